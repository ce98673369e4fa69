// A cascade: a cheap tier first, a share of its queries escalated to a strong one. When does it pay?
// The formulas are those of hybridlab.tco; tests/test_tco.py compares both on the same cases.
const cascade = (() => {
  const NAME = "cascade";
  const FIELDS = [
    { name: "cheap_usd", label: "Cheap tier: $ a query", value: 0.0001, under: "The cheap tier" },
    { name: "kept_quality", label: "Quality on the queries it keeps", value: 0.93, share: true },
    { name: "strong_usd", label: "Strong tier: $ a query", value: 0.002, positive: true,
      under: "The strong tier" },
    { name: "escalated_quality", label: "Quality on the queries it gets", value: 0.78, share: true },
    { name: "strong_quality", label: "Quality alone, on all queries", value: 0.9, share: true },
    { name: "escalation_share", label: "Share escalated", value: 0.3, share: true, under: "The split" },
    { name: "queries_per_month", label: "Queries a month", value: 300000 },
    { name: "least_quality", label: "Quality that is good enough", value: 0.85, share: true },
  ];

  // c(p) = c_cheap + p c_strong is no dearer than c_strong up to p* = 1 - c_cheap / c_strong.
  const p_star = o => Math.max(0, 1 - o.cheap_usd / o.strong_usd);

  // The two qualities belong to this split: another share keeps other queries and has to be measured again.
  const quality_of = o => (1 - o.escalation_share) * o.kept_quality + o.escalation_share * o.escalated_quality;

  function break_even(o) {
    const quality = quality_of(o), over = "cascade.escalation_share";
    if (quality < o.least_quality) return `never: quality ${say(quality)} < ${say(o.least_quality)}`;
    if (o.strong_quality < o.least_quality || o.cheap_usd === 0) return `always (${over} 0 to 1)`;
    return o.cheap_usd > o.strong_usd ? "never: dearer than strong wherever it is good enough"
      : `up to ${say(p_star(o))} ${over}`;
  }

  function result(o) {
    const usd = o.cheap_usd + o.escalation_share * o.strong_usd, quality = quality_of(o);
    return {
      usd_per_query: usd, usd_per_month: usd * o.queries_per_month, usd_per_success: usd / quality, quality,
      strong_usd_per_month: o.strong_usd * o.queries_per_month,
      strong_usd_per_success: o.strong_usd / o.strong_quality, p_star: p_star(o), break_even: break_even(o),
    };
  }

  function headline(r, o) {
    const alone = usd(r.strong_usd_per_month), less = r.strong_usd_per_month - r.usd_per_month;
    const [quality, least] = [say(r.quality), say(o.least_quality)];
    if (r.quality < o.least_quality) return `No: quality ${quality} is below ${least}, whatever it saves.`;
    if (o.strong_quality < o.least_quality)
      return `Yes: the strong tier alone, at ${say(o.strong_quality)}, is below ${least}.`;
    const no_dearer = less >= -1e-9 * r.strong_usd_per_month;
    return no_dearer ? `Yes: it saves ${usd(Math.max(less, 0))} of ${alone} a month at quality ${quality}.`
      : `No: it costs ${usd(-less)} a month more than the strong tier alone.`;
  }

  function words(r, o) {
    return [headline(r, o), [
      ["p*, the share it may escalate", say(r.p_star)], ["a query", usd(r.usd_per_query)],
      ["a month", usd(r.usd_per_month)], ["a right answer", usd(r.usd_per_success)],
      ["the strong tier alone, a right answer", usd(r.strong_usd_per_success)],
      ["good enough and no dearer, if every share kept this quality", plain(r.break_even)]]];
  }

  const exported = { p_star };

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
