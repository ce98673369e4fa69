// The extraction viewer: what each reader marked in a text, and what became of every field.
// Marks and tables are those of viewer.py; tests/test_viewer.py compares both on the same records.
const viewer = (() => {
  const PREFIX = "#extraction?";
  const LETTERS = { rules: "R", tagger: "T", llm: "M" };
  const HEADS = ["Field", "Value", "Found by", "Confidence", "Quote", "Proved", "Verdict", "Remark"];
  // A verdict that catches the eye, in the columns that hold one.
  const OFF = /wrong|invented|omitted/;
  const NO_VERDICT = [...HEADS, "Gold"].filter(head => head !== "Verdict");
  // Whose spans are filled; a single reader's are only underlined.
  const FILLED = { all: "hybrid", hybrid: "hybrid", outage: "outage" };

  // ---- the text; offsets count code points, so the text is cut as a list of these

  function marks(record, view) {
    const placed = new Map();
    for (const name of view === "all" ? Object.keys(LETTERS) : [view])
      for (const line of record.views[name])
        for (const [start, end] of line.spans) {
          const key = `${start} ${end} ${line.field}`;
          if (!placed.has(key)) placed.set(key, { start, end, field: line.field, readers: {} });
          for (const one of line.source.split("+")) placed.get(key).readers[one] = line.confidence;
        }
    return [...placed.values()].sort((a, b) =>
      a.start - b.start || a.end - b.end || (a.field < b.field ? -1 : 1));
  }

  function pieces(record, view) {
    const placed = marks(record, view), points = [...record.text];
    const filled = (record.views[FILLED[view]] || []).flatMap(line => line.spans);
    const cuts = [...new Set([0, points.length, ...placed.flatMap(mark => [mark.start, mark.end])])]
      .sort((a, b) => a - b);
    return cuts.slice(1).map((end, i) => {
      const start = cuts[i], over = placed.filter(mark => mark.start <= start && end <= mark.end);
      const lines = {};
      for (const one in LETTERS) {
        const sure = over.filter(mark => one in mark.readers).map(mark => mark.readers[one]);
        if (sure.length) lines[one] = Math.max(...sure);
      }
      return { text: points.slice(start, end).join(""), lines,
        filled: filled.some(([a, b]) => a <= start && end <= b),
        labels: placed.filter(mark => mark.end === end).map(label) };
    });
  }

  function label({ field, readers }) {
    const letters = new Map();
    for (const one in LETTERS) if (one in readers)
      letters.set(readers[one], (letters.get(readers[one]) || "") + LETTERS[one]);
    return [field, ...[...letters].map(([sure, who]) => `${who} ${sure.toFixed(2)}`)].join(" ");
  }

  // ---- the table

  function table(record, view, data) {
    const { views, text } = record;
    if (view !== "all") return [HEADS, views[view].map(line => cells(line, [...text], data.short))];
    const readers = Object.keys(LETTERS);
    const heads = ["Field", "Gold", ...readers.map(name => data.short[name]), "hybrid"];
    return [heads, views.hybrid.map((line, i) =>
      [line.field, line.gold, ...[...readers, "hybrid"].map(name => compared(views[name][i]))])];
  }

  const sureness = line => line.confidence === null ? "" : line.confidence.toFixed(2);

  function compared(line) {
    const told = [sureness(line), ...(line.outcomes.length ? line.outcomes : ["not scored"])];
    return `${line.value} (${told.filter(Boolean).join(", ")})`;
  }

  function cells(line, points, short) {
    const source = line.source.split("+").filter(Boolean).map(one => short[one]).join(", ");
    const quote = line.spans.map(([start, end]) => `\u201c${points.slice(start, end).join("")}\u201d`);
    const remark = [line.tag, line.remark].filter(Boolean).join(": ");
    return [line.field, line.value, source, sureness(line), quote.join(" \u2026 "), line.proved,
      line.verdict, remark];
  }

  // ---- the address

  const idOf = record => `${record.source}-${record.row}`;
  const opens = (record, data) => ({ record: idOf(record), view: data.cases[record.case].opens });
  const toHash = state => `${PREFIX}record=${state.record}&view=${state.view}`;

  function fromHash(hash, data) {
    if (!hash.startsWith(PREFIX)) return null;
    const asked = Object.fromEntries(hash.slice(PREFIX.length).split("&").map(pair => pair.split("=")));
    const record = data.records.find(one => idOf(one) === asked.record) || data.records[0];
    const known = asked.view === "all" || Object.hasOwn(data.views, asked.view);
    return { ...opens(record, data), ...(known ? { view: asked.view } : {}) };
  }

  // ---- the page

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function marked({ text, lines, filled, labels }) {
    let inner = text;
    for (const one in lines)
      inner = make("span", { class: `line-${one}`, style: `--sure:${lines[one]}` }, inner);
    if (Object.keys(lines).length) inner = make("mark", filled ? { class: "filled" } : {}, inner);
    return [inner, ...labels.map(one => make("sub", {}, one))];
  }

  function tabled([heads, rows]) {
    const head = make("tr", {}, ...heads.map(name => make("th", { scope: "col" }, name)));
    const lines = rows.map(([field, ...values]) => make("tr", {}, make("th", { scope: "row" }, field),
      ...values.map((cell, i) => celled(heads[i + 1], cell))));
    return make("table", { class: "viewer-table" }, make("thead", {}, head), make("tbody", {}, ...lines));
  }

  const celled = (head, text) => make("td", { "data-head": head,
    ...(!NO_VERDICT.includes(head) && OFF.test(text) ? { class: "off" } : {}) }, text);

  function chips(name, legend, options) {
    const boxes = {};
    const labels = options.map(([value, text]) => {
      boxes[value] = make("input", { type: "radio", name: `viewer-${name}`, value });
      return make("label", {}, boxes[value], make("span", {}, text));
    });
    return { field: make("fieldset", {}, make("legend", {}, legend), make("div", {}, ...labels)), boxes };
  }

  function key(data) {
    const readers = Object.entries(LETTERS).map(([name, letter]) => make("span", {},
      make("span", { class: `line-${name}`, style: "--sure:1" }, `${letter} ${data.short[name]}`)));
    return make("p", { class: "viewer-key" }, ...readers,
      make("span", {}, make("mark", { class: "filled" }, "filled: the hybrid\u2019s choice")),
      make("span", {}, "a fainter line: less sure"));
  }

  function start(section) {
    const data = Object.values(JSON.parse(section.querySelector("script.calculator-data").textContent))[0];
    const byId = Object.fromEntries(data.records.map(record => [idOf(record), record]));
    const groups = Object.entries(data.titles).map(([source, title]) => chips("record", title,
      data.records.filter(one => one.source === source).map(one => [idOf(one), data.cases[one.case].title])));
    const views = { all: "all", ...data.views };
    const readers = chips("view", "Read by", Object.entries(views));
    const records = Object.assign({}, ...groups.map(group => group.boxes));
    const title = make("p", { class: "viewer-title", role: "status" }), shows = make("p");
    const text = make("p", { class: "viewer-text" }), credit = make("p", { class: "viewer-credit" });
    const fields = make("div");

    function draw(state) {
      const record = byId[state.record], told = data.cases[record.case];
      records[state.record].checked = readers.boxes[state.view].checked = true;
      title.textContent = `${data.titles[record.source]}, row ${record.row}: ${told.title}. `
        + `Read by: ${views[state.view]}.`;
      shows.textContent = `${told.shows} ${record.note}`;
      text.replaceChildren(...pieces(record, state.view).flatMap(marked));
      credit.textContent = record.credit;
      fields.replaceChildren(tabled(table(record, state.view, data)));
    }

    function chosen(event) {
      const { name, value } = event.target;
      const state = name === "viewer-record" ? opens(byId[value], data)
        : { record: form.querySelector("[name=viewer-record]:checked").value, view: value };
      history.replaceState(null, "", toHash(state));
      draw(state);
    }

    function read() {
      const state = fromHash(location.hash, data);
      draw(state || opens(data.records[0], data));
      if (state) section.scrollIntoView();
    }

    const picks = make("div", { class: "viewer-picks" }, ...groups.map(group => group.field), readers.field);
    const form = make("form", { class: "viewer" }, picks, title, shows, text, key(data), fields, credit,
      make("p", { class: "viewer-credit" }, data.selection));
    form.addEventListener("change", chosen);
    form.addEventListener("submit", event => event.preventDefault());
    addEventListener("hashchange", () => location.hash.startsWith(PREFIX) && read());
    section.querySelector(".calculator-default").hidden = true;
    section.append(form);
    read();
  }

  if (typeof document !== "undefined")
    document.querySelectorAll('.calculator[data-calculator="viewer"]').forEach(start);

  return { pieces, table, toHash, fromHash };
})();
