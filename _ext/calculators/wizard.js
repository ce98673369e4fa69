// The decision wizard: recommend() of hybridlab.decide again, and the form around it.
// tests/test_decide.py compares both on the same cases.
const wizard = (() => {
  const NONE = "none";

  class BadInput extends Error {
    constructor(what, fix) { super(what); this.what = what; this.fix = fix; }
  }

  // Facts

  const show = value => typeof value === "string" ? `'${value}'`
    : typeof value === "boolean" ? (value ? "True" : "False") : String(value);

  const bandsOf = rules => Object.fromEntries(
    rules.axes.map(axis => [axis.name, axis.values.map(value => value.name)]));

  function oneOf(what, given, known) {
    if (!known.includes(given))
      throw new BadInput(`unknown ${what} ${show(given)}`, `use one of ${known.join(", ")}`);
  }

  function stated(name, value, rules) {
    const axes = bandsOf(rules);
    const numbers = rules.axes.filter(one => one.number);
    const flag = rules.flags.find(one => one.name === name);
    const axis = numbers.find(one => one.number.name === name);
    oneOf("axis", name, [...Object.keys(axes), ...numbers.map(one => one.number.name),
      ...rules.flags.map(one => one.name)]);
    if (Object.hasOwn(axes, name)) {
      oneOf(`value of ${name}`, value, axes[name]);
      return [name, [value]];
    }
    const fine = flag ? typeof value === "boolean" : Number.isFinite(value) && value >= 0;
    if (!fine) throw new BadInput(`${name}=${show(value)}`, "leave it out if it is not known");
    if (flag) return [flag.axis, axes[flag.axis].filter(band => (band === flag.value) === value)];
    return [axis.name, [axes[axis.name][axis.number.edges.filter(edge => value >= edge).length]]];
  }

  function readFacts(problem, rules) {
    const said = {}, where = {}, facts = {}, axes = bandsOf(rules);
    for (const [name, value] of Object.entries(problem)) {
      if (value === null || value === undefined || Number.isNaN(value)) continue;
      const [axis, bands] = stated(name, value, rules);
      const left = (said[axis] || bands).filter(band => bands.includes(band));
      if (!left.length) throw new BadInput(`${where[axis]} and ${name}=${show(value)} contradict each other`,
        `both state ${axis}: keep the one that is true and drop the other`);
      said[axis] = left;
      where[axis] = `${name}=${show(value)}`;
    }
    for (const axis in axes) if (said[axis] && said[axis].length === 1) facts[axis] = said[axis][0];
    if (!Object.keys(facts).length)
      throw new BadInput("the problem states no fact", `state some of ${Object.keys(axes).join(", ")}`);
    for (const clash of rules.contradictions) if (holds(clash.when, facts)) {
      const both = Object.keys(clash.when).map(axis => where[axis]).join(" and ");
      throw new BadInput(`${both} contradict each other: ${clash.because}`, clash.fix);
    }
    return facts;
  }

  // Evaluation

  const holds = (when, facts) => [].concat(when).some(condition =>
    Object.entries(condition).every(([axis, values]) => values.includes(facts[axis])));

  function pointsOf(rule) {
    const points = { ...rule.for };
    for (const name in rule.against) points[name] = -rule.against[name];
    for (const name of rule.out || []) points[name] = -Infinity;
    return points;
  }

  function scoresOf(facts, rules) {
    const scores = Object.fromEntries(rules.architectures.map(one => [one.name, 0]));
    for (const rule of [...rules.weights, ...rules.vetoes]) if (holds(rule.when, facts))
      for (const [name, weight] of Object.entries(pointsOf(rule))) scores[name] += weight;
    return scores;
  }

  // Array.sort is stable, so the simpler architecture wins a tie.
  const ranked = scores => Object.keys(scores).filter(name => scores[name] > -Infinity)
    .sort((a, b) => scores[b] - scores[a]);

  function wouldChange(facts, winner, rules) {
    const found = [];
    for (const [axis, values] of Object.entries(bandsOf(rules))) for (const value of values) {
      const other = { ...facts, [axis]: value };
      if (rules.contradictions.some(clash => holds(clash.when, other))) continue;
      const architecture = ranked(scoresOf(other, rules))[0] || NONE;
      if (architecture !== winner) found.push({ axis, value, architecture });
    }
    return found;
  }

  function recommend(problem, rules) {
    const facts = readFacts(problem, rules), scores = scoresOf(facts, rules), left = ranked(scores);
    const [winner, second] = [left[0] || NONE, left[1] || null];
    const margin = second ? scores[winner] - scores[second] : null;
    const fired = kind => rules[kind].filter(rule => holds(rule.when, facts));
    const notes = [];
    if (left.length && scores[winner] <= 0) notes.push("weak");
    if (second && margin <= 1) notes.push("close");
    const titles = Object.fromEntries(rules.architectures.map(one => [one.name, one.title]));
    const names = Object.keys(titles), out = names.filter(name => !left.includes(name));
    return {
      architecture: winner, title: titles[winner] || rules.messages[NONE], facts,
      scores: Object.fromEntries(names.map(name => [name, out.includes(name) ? null : scores[name]])),
      reasons: fired("weights").filter(rule => winner in pointsOf(rule))
        .map(rule => ({ because: rule.because, weight: pointsOf(rule)[winner], source: rule.source }))
        .sort((a, b) => b.weight - a.weight),
      ruled_out: Object.fromEntries(out.map(name =>
        [name, fired("vetoes").find(veto => veto.out.includes(name)).because])),
      runner_up: second, margin, would_change: wouldChange(facts, winner, rules),
      warnings: [...fired("warnings").map(one => one.say), ...notes.map(note => rules.messages[note])],
    };
  }

  // The address: #wizard?input=text&labels=few

  // Names and bands are plain words, so nothing has to be escaped.
  const PREFIX = "#wizard?";
  const toHash = facts => PREFIX + Object.entries(facts).map(([axis, value]) => `${axis}=${value}`).join("&");

  function fromHash(hash, rules) {
    if (!hash.startsWith(PREFIX)) return null;
    const axes = bandsOf(rules), facts = {}, unknown = [];
    for (const pair of hash.slice(PREFIX.length).split("&").filter(Boolean)) {
      const [axis, value] = pair.split("=");
      if (Object.hasOwn(axes, axis) && axes[axis].includes(value)) facts[axis] = value;
      else unknown.push(pair);
    }
    return { facts, unknown };
  }

  // The form

  const STYLE = `
    .wizard-grid { display: grid; gap: .75rem 1.25rem;
      grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
    .wizard-grid label { display: block; font-size: .9em; }
    .wizard select, .wizard button { font: inherit; color: inherit; min-height: 2.5rem; padding: .4rem .5rem;
      background: var(--pst-color-surface, Canvas); border-radius: .3rem;
      border: 1px solid var(--pst-color-text-muted, currentColor); }
    .wizard select { width: 100%; text-overflow: ellipsis; }
    .wizard button { cursor: pointer; }
    .wizard :focus-visible { outline: 3px solid var(--pst-color-primary, Highlight); outline-offset: 1px; }
    .wizard-buttons { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .9rem 0; }
    .wizard-answer { border-left: .3rem solid var(--pst-color-primary, currentColor);
      padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }
    .wizard-answer p { margin: .35rem 0; }
    .wizard-title { font-size: 1.35em; font-weight: 700; }
    .wizard h3 { margin: 1rem 0 .3rem; font-size: 1.1em; }
    .wizard ul { margin: 0; padding-left: 1.2rem; }
    .wizard ul.wizard-changes { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem; }
    .wizard-weight { font-variant-numeric: tabular-nums; font-weight: 700; }
    .wizard-source { color: var(--pst-color-text-muted, inherit); font-size: .9em; }`;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const list = (items, name = "") => make("ul", { class: name }, ...items.map(one => make("li", {}, ...one)));
  const part = (title, items, name) => items.length ? [make("h3", {}, title), list(items, name)] : [];

  function source(name, rules) {
    const { text, url } = rules.sources[name];
    return make("span", { class: "wizard-source" }, " (", url ? make("a", { href: url }, text) : text, ")");
  }

  function answerParts(answer, rules, choose) {
    const arch = Object.fromEntries(rules.architectures.map(one => [one.name, one]));
    const axis = Object.fromEntries(rules.axes.map(one => [one.name, one]));
    const label = (name, value) => axis[name].values.find(one => one.name === value).label;
    const title = name => name === NONE ? rules.messages[NONE] : arch[name].title;
    const change = one => {
      const button = make("button", { type: "button" },
        `${axis[one.axis].title}: ${label(one.axis, one.value)} → ${title(one.architecture)}`);
      button.addEventListener("click", () => choose(one.axis, one.value));
      return [button];
    };
    return [
      ...part("Note", answer.warnings.map(text => [text])),
      ...part("Because", answer.reasons.map(one => [
        make("span", { class: "wizard-weight" }, one.weight > 0 ? `+${one.weight} ` : `−${-one.weight} `),
        one.because, source(one.source, rules)])),
      ...part("Ruled out", Object.entries(answer.ruled_out)
        .map(([name, because]) => [`${arch[name].title}: ${because}`])),
      ...part("One fact that would change it", answer.would_change.map(change), "wizard-changes"),
    ];
  }

  function headline(answer, rules) {
    const arch = rules.architectures.find(one => one.name === answer.architecture);
    const second = rules.architectures.find(one => one.name === answer.runner_up);
    const points = answer.margin === 1 ? "1 point" : `${answer.margin} points`;
    return [
      make("p", { class: "wizard-title" }, answer.title),
      ...(arch ? [make("p", {}, `${arch.is} You pay: ${arch.cost}.`)] : []),
      ...(second ? [make("p", {}, `Runner-up: ${second.title}, ${points} behind.`)] : []),
    ];
  }

  function start(section) {
    const rules = Object.values(JSON.parse(section.querySelector("script.calculator-data").textContent))[0];
    const selects = {};
    const grid = make("div", { class: "wizard-grid" }, ...rules.axes.map(axis => {
      const select = make("select", { name: axis.name, id: `wizard-${axis.name}` },
        make("option", { value: "" }, "not known"),
        ...axis.values.map(value => make("option", { value: value.name }, value.label)));
      selects[axis.name] = select;
      return make("div", {}, make("label", { for: select.id }, axis.ask), select);
    }));
    const headlineBox = make("div", { class: "wizard-answer", role: "status" });
    const details = make("div");
    const copy = make("button", { type: "button" }, "Copy a link to this case");
    const clear = make("button", { type: "button" }, "Clear all");
    const reset = make("button", { type: "button" }, "First case again");
    const said = make("span", { role: "status" });

    const facts = () => Object.fromEntries(
      Object.values(selects).filter(one => one.value).map(one => [one.name, one.value]));
    const fill = values => { for (const name in selects) selects[name].value = values[name] || ""; };

    function draw(message = "") {
      said.textContent = message;
      try {
        const answer = recommend(facts(), rules);
        headlineBox.replaceChildren(...headline(answer, rules));
        details.replaceChildren(...answerParts(answer, rules, (axis, value) => {
          selects[axis].value = value;
          changed();
          selects[axis].focus();
        }));
      } catch (error) {
        if (!(error instanceof BadInput)) throw error;
        headlineBox.replaceChildren(make("p", { class: "wizard-title" }, "These facts cannot be used"),
          make("p", {}, `${error.what}.`), make("p", {}, `To do: ${error.fix}.`));
        details.replaceChildren();
      }
    }

    function changed() {
      history.replaceState(null, "", toHash(facts()));
      draw();
    }

    function read() {
      const found = fromHash(location.hash, rules);
      fill(found ? found.facts : rules.default);
      draw(found && found.unknown.length ? `Not known, left out: ${found.unknown.join(", ")}.` : "");
      if (found) section.scrollIntoView();
    }

    grid.addEventListener("change", changed);
    clear.addEventListener("click", () => { fill({}); changed(); });
    reset.addEventListener("click", () => { fill(rules.default); changed(); });
    copy.addEventListener("click", async () => {
      history.replaceState(null, "", toHash(facts()));
      try {
        await navigator.clipboard.writeText(location.href);
        said.textContent = "Copied.";
      } catch {
        said.textContent = "The link is in the address bar.";
      }
    });
    addEventListener("hashchange", () => location.hash.startsWith(PREFIX) && read());

    section.querySelector(".calculator-default").hidden = true;
    section.append(make("style", {}, STYLE), make("form", { class: "wizard" }, grid,
      make("div", { class: "wizard-buttons" }, copy, reset, clear, said), headlineBox, details));
    read();
  }

  if (typeof document !== "undefined")
    document.querySelectorAll('.calculator[data-calculator="wizard"]').forEach(start);

  return { recommend, toHash, fromHash };
})();
