// Monthly cost of a hosted model, and the volume from which another option is no dearer.
// The formulas are those of hybridlab.cost and hybridlab.tco; tests/test_tco.py compares both on the same cases.
const monthly = (() => {
  const NAME = "monthly";
  const FIELDS = [
    { name: "queries_per_month", label: "Queries a month", value: 300000, under: "This model" },
    { name: "prompt_tokens", label: "Prompt tokens a query", value: 500 },
    { name: "cached_tokens", label: "Of them cached", value: 0, most: "prompt_tokens" },
    { name: "completion_tokens", label: "Completion tokens a query", value: 200 },
    { name: "usd_per_m_prompt_tokens", label: "$ a million prompt tokens", value: 0.15 },
    { name: "usd_per_m_cached_tokens", label: "$ a million cached tokens", value: 0.075 },
    { name: "usd_per_m_completion_tokens", label: "$ a million completion tokens", value: 0.6 },
    { name: "failed_share", label: "Share of replies that fail a check", value: 0.1, share: true },
    { name: "repair_turns", label: "Repair turns, at most", value: 2 },
    { name: "feedback_tokens", label: "Tokens of feedback a repair turn", value: 50 },
    { name: "operations_usd_per_month", label: "$ a month whatever the volume", value: 0 },
    { name: "quality", label: "Quality: share right", value: 0.88, share: true },
    { name: "other_usd_per_query", label: "$ a query", value: 0, under: "The other option" },
    { name: "other_usd_per_month", label: "$ a month, all fixed costs", value: 500 },
    { name: "other_quality", label: "Its quality: share right", value: 0.82, share: true },
    { name: "least_quality", label: "Quality that is good enough", value: 0.8, share: true, under: "The limit" },
  ];
  const LOW = 1, HIGH = 1e9, MOST_REPAIR_TURNS = 100;

  function call_usd(o) {
    const fresh = (o.prompt_tokens - o.cached_tokens) * o.usd_per_m_prompt_tokens;
    return (fresh + o.cached_tokens * o.usd_per_m_cached_tokens
      + o.completion_tokens * o.usd_per_m_completion_tokens) / 1e6;
  }

  // Turn k re-sends all that was said: P + k (C + F) prompt tokens, reached with probability f^k.
  // More turns than hybridlab.cost allows are not counted, and words() says so.
  function repaired(o) {
    const total = { prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0, turns: 0 };
    for (let turn = 0; turn <= Math.min(o.repair_turns, MOST_REPAIR_TURNS); turn++) {
      const reached = o.failed_share ** turn;
      total.prompt_tokens += reached * (o.prompt_tokens + turn * (o.completion_tokens + o.feedback_tokens));
      total.cached_tokens += turn ? 0 : o.cached_tokens;
      total.turns += reached;
    }
    total.completion_tokens = total.turns * o.completion_tokens;
    return total;
  }

  // Where b q + B <= a q + A for queries from LOW to HIGH, as hybridlab.tco.BreakEven says it.
  function crossing(a, A, b, B) {
    const q = a === b ? (B <= A ? -Infinity : Infinity) : (B - A) / (a - b);
    const [low, high] = b > a ? [LOW, Math.min(q, HIGH)] : [Math.max(q, LOW), HIGH];
    if (low > high) return "";
    if (low === LOW && high === HIGH) return `always (queries_per_month ${say(LOW)} to ${say(HIGH)})`;
    return low === LOW ? `up to ${say(high)} queries_per_month` : `from ${say(low)} queries_per_month`;
  }

  function break_even(o, each) {
    if (o.other_quality < o.least_quality)
      return `never: quality ${say(o.other_quality)} < ${say(o.least_quality)}`;
    if (o.quality < o.least_quality) return crossing(1, 1, 0, 0);
    return crossing(each, o.operations_usd_per_month, o.other_usd_per_query, o.other_usd_per_month)
      || "never: dearer than this wherever it is good enough";
  }

  function result(o) {
    const each = call_usd({ ...o, ...repaired(o) }), q = o.queries_per_month;
    const month = each * q + o.operations_usd_per_month;
    const other = o.other_usd_per_query * q + o.other_usd_per_month;
    return {
      usd_per_call: each, usd_per_month: month, usd_per_success: month / (q * o.quality),
      other_usd_per_month: other, other_usd_per_success: other / (q * o.other_quality),
      break_even: break_even(o, each),
    };
  }

  function words(r, o) {
    const enough = o.quality >= o.least_quality ? "" : ", and it is not good enough";
    const many = o.repair_turns > MOST_REPAIR_TURNS ? ` Counted with ${MOST_REPAIR_TURNS} repair turns, the most.` : "";
    return [`${usd(r.usd_per_month)} a month${enough}.${many}`, [
      ["a query, repairs included", usd(r.usd_per_call)], ["a right answer", usd(r.usd_per_success)],
      ["the other option, a month", usd(r.other_usd_per_month)],
      ["the other option, a right answer", usd(r.other_usd_per_success)],
      ["the other option is good enough and no dearer", plain(r.break_even)]]];
  }

  const exported = { call_usd, repaired };

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
