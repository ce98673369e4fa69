// An API against machines of our own, on reserved hours: idle ones are paid as well.
// The formulas are those of hybridlab.cost and hybridlab.tco; tests/test_tco.py compares both on the same cases.
const hosting = (() => {
  const NAME = "hosting";
  const FIELDS = [
    { name: "queries_per_month", label: "Queries a month", value: 1000000 },
    { name: "api_usd_per_query", label: "$ a query", value: 0.0005, under: "The API" },
    { name: "api_quality", label: "Quality: share right", value: 0.88, share: true },
    { name: "queries_per_s_per_machine", label: "Queries a second a machine, measured", value: 0.7, positive: true,
      under: "Machines of our own" },
    { name: "usd_per_machine_hour", label: "$ a machine and hour", value: 0.096 },
    { name: "peak_to_mean", label: "Peak over mean load", value: 3, least: 1 },
    { name: "least_machines", label: "Machines, at least", value: 1 },
    { name: "operations_usd_per_month", label: "$ a month to run them: people, monitoring", value: 100 },
    { name: "own_quality", label: "Quality of its model: share right", value: 0.84, share: true },
    { name: "least_quality", label: "Quality that is good enough", value: 0.8, share: true, under: "The limit" },
  ];
  const LOW = 1, HIGH = 1e9, HOURS = 730;

  // The clock does not care how busy they are: machines x hours x price. Utilisation is told, not multiplied in.
  function reserved(o) {
    const mean = o.queries_per_month / (HOURS * 3600), speed = o.queries_per_s_per_machine;
    const machine_count = Math.max(Math.ceil(mean * o.peak_to_mean / speed - 1e-9), o.least_machines);
    return { machine_count, usd_per_month: machine_count * HOURS * o.usd_per_machine_hour,
      utilisation: machine_count ? mean / (machine_count * speed) : 0 };
  }

  // With n machines they cost F + n M and serve up to n K queries: no dearer than a q from (F + n M) / a to n K.
  function ranges(o) {
    const a = o.api_usd_per_query, M = HOURS * o.usd_per_machine_hour, F = o.operations_usd_per_month;
    const K = o.queries_per_s_per_machine * HOURS * 3600 / o.peak_to_mean;
    const found = [], join = (low, high) => {
      const last = found[found.length - 1];
      if (last && low <= last[1] * (1 + 1e-9)) last[1] = high;
      else if (low <= high) found.push([low, high]);
    };
    for (let n = o.least_machines; (n - 1) * K < HIGH && n < o.least_machines + 100000; n++) {
      const from = n === o.least_machines ? LOW : (n - 1) * K, bill = F + n * M;
      join(Math.max(from, LOW, bill === 0 ? LOW : bill / a), Math.min(n * K, HIGH));
      if (a * K <= M && bill > a * n * K) break;
      if (a * K > M && bill <= a * (n - 1) * K) { join((n - 1) * K, HIGH); break; }
    }
    return found.filter(([low, high]) => low <= high);
  }

  function break_even(o) {
    if (o.own_quality < o.least_quality)
      return `never: quality ${say(o.own_quality)} < ${say(o.least_quality)}`;
    const found = o.api_quality < o.least_quality ? [[LOW, HIGH]] : ranges(o);
    return found.map(([low, high]) => {
      if (low === LOW && high === HIGH) return `always (queries_per_month ${say(LOW)} to ${say(HIGH)})`;
      if (low === LOW) return `up to ${say(high)} queries_per_month`;
      return `from ${say(low)} queries_per_month${high === HIGH ? "" : ` up to ${say(high)}`}`;
    }).join(", ") || "never: dearer than api wherever it is good enough";
  }

  function result(o) {
    const own = reserved(o), month = own.usd_per_month + o.operations_usd_per_month;
    const q = o.queries_per_month;
    return {
      api_usd_per_month: o.api_usd_per_query * q, own_usd_per_month: month,
      own_usd_per_query: month / q, own_usd_per_success: month / (q * o.own_quality),
      machine_count: own.machine_count, utilisation: own.utilisation, break_even: break_even(o),
    };
  }

  // Just above the price of a full machine every further machine is a range of its own.
  function brief(ranges) {
    const parts = ranges.split(", from "), first = parts.slice(0, 3).join(", from ");
    return parts.length > 4 ? `${first}, and ${parts.length - 3} more ranges` : ranges;
  }

  function headline(r, o) {
    const good = o.own_quality >= o.least_quality, api_good = o.api_quality >= o.least_quality;
    const below = quality => `quality is ${say(quality)}, below ${say(o.least_quality)}.`;
    const [own, api] = [r.own_usd_per_month, r.api_usd_per_month];
    if (!good) return api_good ? `Not our own: its ${below(o.own_quality)}`
      : `Neither: ${say(o.own_quality)} and ${say(o.api_quality)} are both below ${say(o.least_quality)}.`;
    if (!api_good) return `Our own, ${usd(own)} a month: the API's ${below(o.api_quality)}`;
    return own <= api ? `Our own: ${usd(own)} a month against ${usd(api)}.`
      : `The API: ${usd(api)} a month against ${usd(own)}.`;
  }

  function words(r, o) {
    const api_right = r.api_usd_per_month / (o.queries_per_month * o.api_quality);
    return [headline(r, o), [
      ["machines reserved", say(r.machine_count)], ["how busy they are", percent(r.utilisation)],
      ["our own, a query", usd(r.own_usd_per_query)], ["the API, a query", usd(o.api_usd_per_query)],
      ["our own, a right answer", usd(r.own_usd_per_success)], ["the API, a right answer", usd(api_right)],
      ["our own is good enough and no dearer", brief(plain(r.break_even))]]];
  }

  const exported = { reserved };

  // ---- the form: the same lines in monthly.js, hosting.js and cascade.js; tests/test_tco.py compares them

  const defaults = Object.fromEntries(FIELDS.map(field => [field.name, field.value]));
  const say = number => Math.abs(number) >= 1000 ? number.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",")
    : String(Number(number.toPrecision(4)));
  const cents = number => number >= 1 && number < 1000 ? number.toFixed(2).replace(".00", "") : say(number);
  const usd = number => Number.isFinite(number) ? `$${cents(number)}` : "not defined";
  const percent = share => `${Number((100 * share).toPrecision(3))} %`;
  const plain = text => text.replace(/(cascade\.)?(queries_per_month|escalation_share)/g,
    (_, owner, name) => name === "queries_per_month" ? "queries a month" : "of queries escalated");

  function wrong(inputs) {
    for (const field of FIELDS) {
      const value = inputs[field.name];
      const least = field.least || 0;
      if (!(Number.isFinite(value) && value >= least && (value > 0 || !field.positive)))
        return `${field.label}: write a number ${field.positive ? "above 0" : `that is ${least} or more`}`;
      if (field.share && value > 1) return `${field.label}: write 5 % as 0.05`;
      if (field.most && inputs[field.most] < value)
        return `${field.label}: more than ${FIELDS.find(one => one.name === field.most).label.toLowerCase()}`;
    }
    return "";
  }

  const PREFIX = `#${NAME}?`;
  const toHash = inputs => PREFIX + FIELDS.map(field => `${field.name}=${inputs[field.name]}`).join("&");

  function fromHash(hash) {
    if (!hash.startsWith(PREFIX)) return null;
    const inputs = { ...defaults }, unknown = [];
    for (const pair of hash.slice(PREFIX.length).split("&").filter(Boolean)) {
      const [name, text] = pair.split("=");
      if (Object.hasOwn(defaults, name) && text && Number.isFinite(Number(text))) inputs[name] = Number(text);
      else unknown.push(pair);
    }
    return { inputs, unknown };
  }

  const STYLE = `
    .costs-grid { display: grid; gap: .6rem 1.25rem; align-items: end;
      grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); }
    .costs h3 { grid-column: 1 / -1; margin: .6rem 0 0; font-size: 1.05em; }
    .costs label { display: block; font-size: .9em; }
    .costs input, .costs button { font: inherit; color: inherit; min-height: 2.5rem; padding: .4rem .5rem;
      background: var(--pst-color-surface, Canvas); border-radius: .3rem;
      border: 1px solid var(--pst-color-text-muted, currentColor); }
    .costs input { width: 100%; font-variant-numeric: tabular-nums; }
    .costs input[aria-invalid="true"] { border-width: 2px; border-style: dashed; }
    .costs button { cursor: pointer; }
    .costs :focus-visible { outline: 3px solid var(--pst-color-primary, Highlight); outline-offset: 1px; }
    .costs-buttons { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .9rem 0; }
    .costs-answer { border-left: .3rem solid var(--pst-color-primary, currentColor);
      padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }
    .costs-answer p { margin: .35rem 0; font-size: 1.15em; font-weight: 700; }
    .costs-answer dl { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 4fr); gap: .2rem 1.2rem;
      margin: 0; }
    .costs-answer dt { font-weight: 400; color: var(--pst-color-text-muted, inherit); }
    .costs-answer dd { margin: 0; font-variant-numeric: tabular-nums; }`;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // A lab may hand over measured defaults: { "lab04:calculators.monthly": { prompt_tokens: 441, ... } }.
  function measured(section) {
    const data = JSON.parse(section.querySelector("script.calculator-data").textContent);
    const found = Object.assign({}, ...Object.values(data).filter(one => one && typeof one === "object"));
    return Object.fromEntries(Object.entries(found).filter(([name]) => Object.hasOwn(defaults, name))
      .map(([name, leaf]) => [name, typeof leaf === "object" ? leaf.value : leaf]));
  }

  function start(section) {
    Object.assign(defaults, measured(section));
    const boxes = {};
    const grid = make("div", { class: "costs-grid" }, ...FIELDS.flatMap(field => {
      const box = make("input", { type: "number", step: field.share ? "0.01" : "any", min: "0",
        inputmode: "decimal", name: field.name, id: `${NAME}-${field.name}` });
      boxes[field.name] = box;
      const row = make("div", {}, make("label", { for: box.id }, field.label), box);
      return field.under ? [make("h3", {}, field.under), row] : [row];
    }));
    const answer = make("div", { class: "costs-answer", role: "status" });
    const copy = make("button", { type: "button" }, "Copy a link to this case");
    const reset = make("button", { type: "button" }, "First case again");
    const told = make("span", { role: "status" });
    const inputs = () => Object.fromEntries(Object.entries(boxes)
      .map(([name, box]) => [name, box.value === "" ? NaN : Number(box.value)]));
    const fill = values => { for (const name in boxes) boxes[name].value = values[name]; };

    function draw(message = "") {
      const now = inputs(), problem = wrong(now);
      for (const { name, label } of FIELDS)
        boxes[name].setAttribute("aria-invalid", problem.startsWith(`${label}:`));
      told.textContent = message;
      if (problem) return answer.replaceChildren(make("p", {}, `${problem}.`));
      const [headline, rows] = words(result(now), now);
      answer.replaceChildren(make("p", {}, headline),
        make("dl", {}, ...rows.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])));
    }

    function changed() {
      if (!wrong(inputs())) history.replaceState(null, "", toHash(inputs()));
      draw();
    }

    function read() {
      const found = fromHash(location.hash);
      fill(found ? found.inputs : defaults);
      draw(found && found.unknown.length ? `Not known, left out: ${found.unknown.join(", ")}.` : "");
      if (found) section.scrollIntoView();
    }

    grid.addEventListener("input", changed);
    reset.addEventListener("click", () => { fill(defaults); changed(); });
    copy.addEventListener("click", async () => {
      history.replaceState(null, "", toHash(inputs()));
      try {
        await navigator.clipboard.writeText(location.href);
        told.textContent = "Copied.";
      } catch {
        told.textContent = "The link is in the address bar.";
      }
    });
    addEventListener("hashchange", () => location.hash.startsWith(PREFIX) && read());
    section.querySelector(".calculator-default").hidden = true;
    const buttons = make("div", { class: "costs-buttons" }, copy, reset, told);
    const form = make("form", { class: "costs" }, grid, buttons, answer);
    form.addEventListener("submit", event => event.preventDefault());
    section.append(make("style", {}, STYLE), form);
    read();
  }

  if (typeof document !== "undefined")
    document.querySelectorAll(`.calculator[data-calculator="${NAME}"]`).forEach(start);

  return { ...exported, result, words, wrong, toHash, fromHash, defaults };
})();
