// The threshold explorer: two tiers and a person, one threshold, and what moves with it.
// The formulas are those of thresholds.py; tests/test_thresholds_explorer.py compares both on the same cases.
const thresholds = (() => {
  const PREFIX = "#thresholds?";
  const GRID = Array.from({ length: 51 }, (_, i) => (50 + i) / 100);
  const Z = 1.959963984540054;
  const defaults = { task: "reviews", first: "tfidf", then: "person", error_usd: 2, person_usd: 0.5,
    delta: 0.1, threshold: "advance" };
  const CHOICES = { then: ["person", "llm"], delta: [0.1, 0.05, 0.01] };

  // ---- formulas

  // A row of a tier is its confidence in thousandths, below 0 where the answer was wrong, 0 where none came.
  const sure = (row, threshold) => row !== 0 && Math.abs(row) / 1000 >= threshold;

  // 0 where the first tier answers, 1 where the second does, -1 where a person has to.
  function taken(first, second, threshold, then) {
    const last = then === "llm" ? 0 : threshold;
    return first.map((row, i) => sure(row, threshold) ? 0 : sure(second[i], last) ? 1 : -1);
  }

  const count = (list, holds) => list.reduce((sum, one, i) => sum + (holds(one, i) ? 1 : 0), 0);

  function counts(tiers, split, inputs, threshold) {
    const rows = [tiers[inputs.first][split], tiers.llm15[split]];
    const place = taken(...rows, threshold, inputs.then);
    return {
      n: place.length, place, answered: count(place, one => one >= 0), passed: count(place, one => one !== 0),
      wrong: count(place, (one, i) => one >= 0 && rows[one][i] < 0),
      slice: rows.map(row => count(place, (one, i) => one !== 0 && row[i] > 0)),
    };
  }

  function bound(wrong, answered, delta) {
    if (wrong >= answered) return 1;
    let low = wrong / answered, high = 1;
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      if (atMost(wrong, answered, middle) > delta) low = middle; else high = middle;
    }
    return (low + high) / 2;
  }

  // P(X <= k) of X ~ Binomial(n, p), summed in logarithms.
  function atMost(k, n, p) {
    let term = n * Math.log1p(-p), sum = Math.exp(term);
    for (let i = 0; i < k; i++) {
      term += Math.log((n - i) / (i + 1)) + Math.log(p) - Math.log1p(-p);
      sum += Math.exp(term);
    }
    return sum;
  }

  function wilson(right, n) {
    if (!n) return [null, null, null];
    const p = right / n, width = 1 + Z * Z / n;
    const half = Z * Math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / width;
    const middle = (p + Z * Z / (2 * n)) / width;
    return [p, Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  function quantile(sorted, share) {
    const at = (sorted.length - 1) * share, low = Math.floor(at), high = Math.ceil(at);
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
  }

  const mean = list => list.reduce((sum, one) => sum + one, 0) / list.length;
  const secondsOf = (tier, n) =>
    typeof tier.seconds === "number" ? Array(n).fill(tier.seconds) : tier.seconds;

  // The threshold that is cheapest on the tune rows, the lowest of several.
  function inAdvance(inputs, data) {
    const tiers = data.tasks[inputs.task].tiers, n = tiers.llm15.test.length;
    const [one, two] = [inputs.first, "llm15"].map(name => data.usd_per_s * mean(secondsOf(tiers[name], n)));
    let best = null, least = Infinity;
    for (const threshold of GRID) {
      const at = counts(tiers, "tune", inputs, threshold);
      const usd = one + at.passed / at.n * two + inputs.error_usd * at.wrong / at.n
        + inputs.person_usd * (at.n - at.answered) / at.n;
      if (usd < least - 1e-12) [best, least] = [threshold, usd];
    }
    return best;
  }

  function result(inputs, data) {
    const threshold = inputs.threshold === "advance" ? inAdvance(inputs, data) : inputs.threshold;
    const tiers = data.tasks[inputs.task].tiers, first = tiers[inputs.first], strong = tiers.llm15;
    const at = counts(tiers, "test", inputs, threshold), n = at.n;
    const [cheap, dear] = [secondsOf(first, n), secondsOf(strong, n)];
    const seconds = at.place.map((place, i) => cheap[i] + (place === 0 ? 0 : dear[i]));
    const sorted = [...seconds].sort((a, b) => a - b);
    const [right, low, high] = wilson(at.answered - at.wrong, at.answered);
    const tested = counts(tiers, "calibrate", inputs, threshold);
    const calls_usd = 1000 * data.usd_per_s * mean(seconds);
    const beside_usd = inputs.error_usd * at.wrong / n + inputs.person_usd * (n - at.answered) / n;
    return {
      threshold, right, low, high, answered: at.answered, coverage: at.answered / n,
      passed_on: at.passed / n, to_person: 1 - at.answered / n,
      slice_first: at.passed ? at.slice[0] / at.passed : null,
      slice_right: at.passed ? at.slice[1] / at.passed : null,
      first_right: count(first.test, row => row > 0) / n,
      strong_right: count(strong.test, row => row > 0) / n,
      calls_usd, total_usd: calls_usd + 1000 * beside_usd,
      p50_s: quantile(sorted, 0.5), p95_s: quantile(sorted, 0.95),
      bound: bound(tested.wrong, tested.answered, inputs.delta), bound_answered: tested.answered,
      bound_wrong: tested.wrong,
    };
  }

  const PRICES = { error_usd: "Price of an error", person_usd: "Price of a person's decision" };

  function wrong(inputs, data) {
    const names = { task: Object.keys(data.tasks), first: ["tfidf", "llm05"], ...CHOICES };
    for (const name in names)
      if (!names[name].includes(inputs[name])) return `${name}: choose one of ${names[name].join(", ")}`;
    for (const name in PRICES)
      if (!(Number.isFinite(inputs[name]) && inputs[name] >= 0))
        return `${PRICES[name]}: write a number that is 0 or more`;
    return inputs.threshold === "advance" || GRID.includes(inputs.threshold) ? ""
      : "threshold: choose one of 0.50, 0.51 ... 1.00";
  }

  // ---- the address

  const toHash = inputs => PREFIX + Object.keys(defaults).map(name => `${name}=${inputs[name]}`).join("&");

  function fromHash(hash, data) {
    if (!hash.startsWith(PREFIX)) return null;
    const inputs = { ...defaults }, unknown = [];
    for (const pair of hash.slice(PREFIX.length).split("&").filter(Boolean)) {
      const [name, text] = pair.split("="), before = inputs[name];
      if (!Object.hasOwn(defaults, name) || !text) { unknown.push(pair); continue; }
      const number = typeof before === "number" || name === "threshold" && text !== "advance";
      const next = { ...inputs, [name]: number ? Number(text) : text };
      if (wrong(next, data)) unknown.push(pair); else inputs[name] = next[name];
    }
    return { inputs, unknown };
  }

  // ---- words

  const percent = share => share === null ? "no row" : `${(100 * share).toFixed(1)} %`;
  const whole = number => number.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",");
  const usd = number => `$${number >= 100 ? whole(number) : number >= 1 ? number.toFixed(2)
    : String(Number(number.toPrecision(3)))}`;
  const seconds = number =>
    number < 0.1 ? `${Number((1000 * number).toPrecision(2))} ms` : `${number.toFixed(1)} s`;

  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function promise(found, inputs) {
    if (!found.bound_answered)
      return "At this threshold no calibration row is answered, so nothing can be promised.";
    const values = { sure: 1 - inputs.delta, most: percent(found.bound), at: found.threshold.toFixed(2),
      wrong: found.bound_wrong, answered: found.bound_answered };
    return filled(inputs.threshold === "advance"
      ? "With probability {sure}, at most {most} of the answered rows are wrong. Tested once, on "
        + "calibration rows that had no part in the choice: {wrong} of {answered} wrong."
      : "Had you written {at} down before you looked: with probability {sure}, at most {most} of the "
        + "answered rows are wrong. You have moved the slider while looking, so for you it is no promise.",
    values);
  }

  function words(found, inputs, data) {
    const tiers = data.tasks[inputs.task].tiers;
    const [cheap, strong] = [tiers[inputs.first].title, tiers.llm15.title];
    const interval = found.right === null ? ""
      : ` (95 % interval ${percent(found.low)} to ${percent(found.high)})`;
    const headline = `Threshold ${found.threshold.toFixed(2)}: ${found.right === null ? "no row is answered"
      : `${percent(found.right)} right among the answered rows`}`;
    return [headline, promise(found, inputs), [
      ["right among the answered rows", `${percent(found.right)}${interval}, ${found.answered} test rows`],
      [`${cheap} alone, ${strong} alone, on all rows`,
        `${percent(found.first_right)}, ${percent(found.strong_right)}`],
      [`passed on to ${strong}`, percent(found.passed_on)],
      [`${strong} on the rows it gets`, percent(found.slice_right)],
      [`${cheap} on the same rows`, percent(found.slice_first)],
      ["answered by a machine", percent(found.coverage)],
      ["left to a person", percent(found.to_person)],
      ["calls, 1,000 rows", usd(found.calls_usd)],
      ["calls, errors and people, 1,000 rows", usd(found.total_usd)],
      ["half of the rows leave the machines within", seconds(found.p50_s)],
      ["95 % of them within", seconds(found.p95_s)]]];
  }

  // ---- the drawing

  const W = 260, H = 150, LEFT = 44, BOTTOM = 24, TOP = 8, RIGHT = 12;
  const across = threshold => LEFT + (threshold - 0.5) / 0.5 * (W - LEFT - RIGHT);

  function panels(curve, inputs) {
    const people = inputs.then === "person", most = Math.max(...curve.map(one => one.total_usd)) || 1;
    const shares = [curve[0].floor, ...curve.map(one => one.right)].filter(one => one !== null);
    const low = Math.floor(10 * Math.min(...shares, 0.9)) / 10;
    return [
      { title: "Right among answered", low, high: 1, ticks: [low, (low + 1) / 2, 1], say: percent,
        lines: [["right", "measured"], ["floor", "promised if fixed"]] },
      { title: "Passed on", low: 0, high: 1, ticks: [0, 0.5, 1], say: percent,
        lines: [["passed_on", "to the 1.5B"], ...(people ? [["to_person", "to a person"]] : [])] },
      { title: "US dollars, 1,000 rows", low: 0, high: most, ticks: [0, most / 2, most], say: usd,
        lines: [["total_usd", people ? "calls, errors, people" : "calls and errors"]] },
    ];
  }

  function svg(tag, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function panel(spec, curve, here) {
    const up = value => H - BOTTOM - (value - spec.low) / (spec.high - spec.low) * (H - BOTTOM - TOP);
    const seen = value => value !== null && value >= spec.low && value <= spec.high;
    const at = one => `${across(one.threshold).toFixed(1)} `;
    const path = name => curve.map((one, i) => !seen(one[name]) ? ""
      : (i && seen(curve[i - 1][name]) ? "L" : "M") + at(one) + up(one[name]).toFixed(1));
    const values = spec.lines.map(([name, label]) => `${label} ${spec.say(here[name])}`).join(", ");
    const label = `${spec.title} against the threshold. At ${here.threshold.toFixed(2)}: ${values}.`;
    const drawing = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });
    for (const tick of spec.ticks) drawing.append(
      svg("path", { class: "grid", d: `M${LEFT} ${up(tick)}H${W - RIGHT}` }),
      svg("text", { x: LEFT - 6, y: up(tick) + 4, "text-anchor": "end" },
        spec.say(tick).replace(".0 %", " %")));
    for (const tick of [0.5, 0.75, 1]) drawing.append(
      svg("text", { x: across(tick), y: H - 6, "text-anchor": "middle" }, tick.toFixed(2)));
    drawing.append(svg("path", { class: "here", d: `M${across(here.threshold)} ${TOP}V${H - BOTTOM}` }));
    spec.lines.forEach(([name], i) => {
      drawing.append(svg("path", { class: `line${i}`, d: path(name).join("") }));
      if (seen(here[name])) drawing.append(svg("circle",
        { class: `dot${i}`, cx: across(here.threshold), cy: up(here[name]), r: 4.5 }));
    });
    const key = spec.lines.map(([name, label], i) => make("span", { class: `key${i}` },
      `${label} `, make("b", {}, spec.say(here[name]))));
    const caption = make("div", { class: "caption" }, make("strong", {}, spec.title), ...key);
    return make("div", { "data-panel": spec.title }, caption, drawing);
  }

  // ---- the form

  const STYLE = `
    .thresholds-grid { display: grid; gap: .6rem 1.25rem; align-items: end;
      grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); }
    .thresholds label { display: block; font-size: .9em; }
    .thresholds select, .thresholds button, .thresholds input[type="number"] { font: inherit; color: inherit;
      min-height: 2.5rem; padding: .4rem .5rem; background: var(--pst-color-surface, Canvas);
      border-radius: .3rem; border: 1px solid var(--pst-color-text-muted, currentColor); }
    .thresholds select, .thresholds input { width: 100%; }
    .thresholds input[aria-invalid="true"] { border-width: 2px; border-style: dashed; }
    .thresholds input[type="range"] { height: 2.5rem; accent-color: var(--hb-mark, auto); }
    .thresholds button { cursor: pointer; }
    .thresholds button[aria-pressed="true"] { border-width: 2px; font-weight: 600; }
    .thresholds :focus-visible { outline: 3px solid var(--pst-color-primary, Highlight);
      outline-offset: 1px; }
    .thresholds-slide { margin: 1rem 0 0; }
    .thresholds-slide output { font-weight: 700; font-variant-numeric: tabular-nums; }
    .thresholds-buttons { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center;
      margin: .6rem 0 .9rem; }
    .thresholds-answer { border-left: .3rem solid var(--pst-color-primary, currentColor);
      padding: .1rem 0 .1rem 1rem; margin: 1rem 0; min-height: 7.5rem; }
    .thresholds-answer.by-hand { border-left-style: dashed; border-left-color: var(--hb-mark, currentColor); }
    .thresholds-answer p { margin: .35rem 0; }
    .thresholds-answer p:first-child { font-size: 1.15em; font-weight: 700; }
    .thresholds dl { display: grid; grid-template-columns: minmax(0, auto) 1fr; gap: .2rem 1.2rem;
      margin: 1rem 0 0; }
    .thresholds dt { font-weight: 400; color: var(--pst-color-text-muted, inherit); }
    .thresholds dd { margin: 0; font-variant-numeric: tabular-nums; }
    .thresholds-panels { display: grid; gap: .8rem 1.2rem; align-items: end;
      grid-template-columns: repeat(auto-fit, minmax(min(14.5rem, 100%), 1fr)); }
    .thresholds-panels .caption { font-size: .85em; line-height: 1.4; text-align: left; }
    .thresholds-panels .caption > * { display: block; }
    .thresholds-panels b { font-variant-numeric: tabular-nums; }
    .thresholds-panels .key0::before, .thresholds-panels .key1::before { content: ""; display: inline-block;
      width: 1.3em; margin-right: .4em; vertical-align: .25em; border-top: 2.5px solid var(--hb-brand); }
    .thresholds-panels .key1::before { border-top: 2.5px dashed var(--hb-mark); }
    .thresholds-panels svg { width: 100%; height: auto; display: block; }
    .thresholds-panels text { fill: var(--hb-soft, currentColor); font-size: 11px; }
    .thresholds-panels .grid { stroke: var(--hb-line, currentColor); stroke-width: 1; }
    .thresholds-panels .here { stroke: var(--hb-soft, currentColor); stroke-width: 1; stroke-dasharray: 2 3; }
    .thresholds-panels .line0, .thresholds-panels .line1 { fill: none; stroke: var(--hb-brand);
      stroke-width: 2; }
    .thresholds-panels .line1 { stroke: var(--hb-mark); stroke-dasharray: 5 4; }
    .thresholds-panels .dot0 { fill: var(--hb-brand); } .thresholds-panels .dot1 { fill: var(--hb-mark); }
    @media (max-width: 30rem) { .thresholds dl { grid-template-columns: 1fr; gap: 0; }
      .thresholds dd { margin-bottom: .4rem; } }`;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function fields(data) {
    const tiers = Object.values(data.tasks)[0].tiers;
    return [
      ["task", "Task", Object.entries(data.tasks).map(([name, task]) => [name, task.title])],
      ["first", "First tier", ["tfidf", "llm05"].map(name => [name, tiers[name].title])],
      ["then", `Rows that ${tiers.llm15.title} is not sure of`, [["person", "go to a person"],
        ["llm", "are answered all the same"]]],
      ["error_usd", "Price of an error, $"], ["person_usd", "Price of a person's decision, $"],
      ["delta", "Chance that the promise fails", CHOICES.delta.map(one => [one, String(one)])],
    ];
  }

  function start(section) {
    const data = Object.values(JSON.parse(section.querySelector("script.calculator-data").textContent))[0];
    const boxes = {};
    const grid = make("div", { class: "thresholds-grid" }, ...fields(data).map(([name, label, options]) => {
      const id = `thresholds-${name}`;
      boxes[name] = options
        ? make("select", { name, id }, ...options.map(([value, text]) => make("option", { value }, text)))
        : make("input", { type: "number", step: "any", min: "0", inputmode: "decimal", name, id });
      return make("div", {}, make("label", { for: id }, label), boxes[name]);
    }));
    const slider = make("input", { type: "range", min: "0.5", max: "1", step: "0.01", name: "threshold",
      id: "thresholds-threshold" });
    const shown = make("output", { for: slider.id });
    const slide = make("div", { class: "thresholds-slide" }, make("label", { for: slider.id },
      "Threshold: whoever is less sure than ", shown, " passes the row on"), slider);
    const advance = make("button", { type: "button" }, "Fix it in advance, on the tune rows");
    const copy = make("button", { type: "button" }, "Copy a link to this case");
    const reset = make("button", { type: "button" }, "First case again");
    const told = make("span", { role: "status" });
    const answer = make("div", { class: "thresholds-answer", role: "status" });
    const drawings = make("div", { class: "thresholds-panels" }), list = make("dl");
    let fixed = true, known = "", curve = [];

    const inputs = () => ({ task: boxes.task.value, first: boxes.first.value, then: boxes.then.value,
      error_usd: boxes.error_usd.value === "" ? NaN : Number(boxes.error_usd.value),
      person_usd: boxes.person_usd.value === "" ? NaN : Number(boxes.person_usd.value),
      delta: Number(boxes.delta.value),
      threshold: fixed ? "advance" : Math.round(100 * slider.value) / 100 });

    function fill(values) {
      for (const name in boxes) boxes[name].value = values[name];
      fixed = values.threshold === "advance";
      if (!fixed) slider.value = values.threshold;
    }

    // Fifty-one thresholds at once; they change with everything but the slider.
    function curveOf(now) {
      const key = toHash({ ...now, threshold: "" });
      if (key !== known) curve = GRID.map(threshold => floored(result({ ...now, threshold }, data)));
      known = key;
      return curve;
    }

    const floored = found => ({ ...found, floor: found.bound_answered ? 1 - found.bound : null });

    function draw(message = "") {
      const now = inputs(), problem = wrong(now, data);
      for (const [name, label] of fields(data)) if (boxes[name].type === "number")
        boxes[name].setAttribute("aria-invalid", problem.startsWith(label.split(",")[0]));
      told.textContent = message;
      if (problem) return answer.replaceChildren(make("p", {}, `${problem}.`));
      const found = floored(result(now, data)), [headline, said, rows] = words(found, now, data);
      slider.value = found.threshold;
      shown.textContent = found.threshold.toFixed(2);
      advance.setAttribute("aria-pressed", fixed);
      answer.classList.toggle("by-hand", !fixed);
      answer.replaceChildren(make("p", {}, headline), make("p", {}, said));
      drawings.replaceChildren(...panels(curveOf(now), now).map(spec => panel(spec, curve, found)));
      list.replaceChildren(...rows.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
    }

    function changed() {
      if (!wrong(inputs(), data)) history.replaceState(null, "", toHash(inputs()));
      draw();
    }

    function read() {
      const found = fromHash(location.hash, data);
      fill(found ? found.inputs : defaults);
      draw(found && found.unknown.length ? `Not known, left out: ${found.unknown.join(", ")}.` : "");
      if (found) section.scrollIntoView();
    }

    grid.addEventListener("input", changed);
    slider.addEventListener("input", () => { fixed = false; changed(); });
    advance.addEventListener("click", () => { fixed = true; changed(); });
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
    const buttons = make("div", { class: "thresholds-buttons" }, advance, copy, reset, told);
    const form = make("form", { class: "thresholds" }, grid, slide, buttons, answer, drawings, list);
    form.addEventListener("submit", event => event.preventDefault());
    section.append(make("style", {}, STYLE), form);
    read();
  }

  if (typeof document !== "undefined")
    document.querySelectorAll('.calculator[data-calculator="thresholds"]').forEach(start);

  return { result, inAdvance, bound, wilson, words, wrong, toHash, fromHash, defaults };
})();
