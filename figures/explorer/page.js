// Sends what is asked, writes what is told. Nothing is measured here, and no text becomes HTML.
"use strict";

const byId = (id) => document.getElementById(id);
const MOST_BYTES = 40 * 2 ** 20;

class ExplorerPage {
  constructor(models) {
    this.models = models;
    this.count = 0;
    this.sides = [new SideState(), new SideState()];
    this.both = false;
    this.listen();
    this.send({ do: "hello" });
  }

  // --- to the server --------------------------------------------------------------------------

  send(letter) {
    this.count += 1;
    this.models.asked.data = { json: [JSON.stringify({ ...letter, count: this.count })] };
  }

  ask() {
    if (this.ready === undefined) return;
    const shown = this.both ? [0, 1] : [0];
    const number = (id) => (byId(id).value === "" ? null : Number(byId(id).value));
    const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;
    this.send({
      do: "ask",
      sides: shown.map((side) => this.sides[side].question),
      method: chosen("method"),
      patch: number("patch") ?? 32,
      stride: number("stride"),
      sigma: number("sigma") ?? this.ready.sigma,
      draws: number("draws") ?? 8,
      criterion: chosen("criterion"),
    });
  }

  async drop(file) {
    if (!file) return;
    if (file.size > MOST_BYTES) {
      this.say(`${file.name}: is larger than 40 MB`, true);
      return;
    }
    this.say(`Reading ${file.name} …`);
    const content = await base64(file);
    this.send({ do: "drop", name: file.name, content });
    for (const state of this.sides) Object.assign(state, { unit: null, patch: null });
    this.ask();
  }

  // --- from the person ------------------------------------------------------------------------

  listen() {
    for (const field of document.querySelectorAll("#manner input"))
      field.addEventListener("change", () => {
        for (const side of [0, 1]) this.letGo(side);
        this.enable();
        this.ask();
      });
    byId("manner").addEventListener("submit", (event) => event.preventDefault());
    byId("compare").addEventListener("click", () => this.compare(!this.both));
    for (const what of ["result", "figure", "page"])
      byId(`keep-${what}`).addEventListener("click", () => {
        this.say("Keeping …");
        this.send({ do: "keep", what });
      });
    for (const side of [0, 1]) this.listenTo(side);
    byId("file").addEventListener("change", (event) => this.drop(event.target.files[0]));
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      byId("drop").hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) byId("drop").hidden = true;
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      byId("drop").hidden = true;
      this.drop(event.dataTransfer.files[0]);
    });
  }

  listenTo(side) {
    const state = this.sides[side];
    byId(`model${side}`).addEventListener("change", (event) => {
      state.model = Number(event.target.value);
      Object.assign(state, { layer: null, unit: null, channel: null, patch: null });
      this.ask();
    });
    byId(`layer${side}`).addEventListener("change", (event) => {
      Object.assign(state, { layer: event.target.value, unit: null, channel: null, patch: null });
      byId(`channel${side}`).value = "";
      this.ask();
    });
    for (const axis of ["row", "col"])
      byId(`${axis}${side}`).addEventListener("change", () => {
        const [row, col] = [byId(`row${side}`).value, byId(`col${side}`).value];
        if (row !== "" && col !== "") this.chooseUnit(side, Number(row), Number(col));
      });
    byId(`channel${side}`).addEventListener("change", (event) => {
      const text = event.target.value;
      Object.assign(state, { channel: text === "" ? null : Number(text), patch: null });
      this.ask();
    });
    byId(`let-go${side}`).addEventListener("click", () => this.letGo(side) && this.ask());
    for (const plot of ["layer-plot", "field-plot"])
      byId(`${plot}${side}`).addEventListener("keydown", (event) => this.key(side, event));
  }

  key(side, event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    const state = this.sides[side];
    if (event.key === "Escape" && this.letGo(side)) this.ask();
    if (!step || event.ctrlKey || event.metaKey || event.altKey || !state.unit) return;
    event.preventDefault();
    const [row, col] = state.unit.map((place, axis) =>
      Math.min(Math.max(place + step[axis], 0), state.units[axis] - 1),
    );
    this.chooseUnit(side, row, col);
  }

  tapUnit(side, x, y) {
    const { units } = this.sides[side];
    const [row, col] = [Math.floor(y + 0.5), Math.floor(x + 0.5)];
    if (!units || row < 0 || col < 0 || row >= units[0] || col >= units[1]) return;
    this.chooseUnit(side, row, col);
  }

  tapPatch(side, x, y) {
    const state = this.sides[side];
    if (!state.patches) return; // a gradient has none
    const patch = [y, x].map((place, axis) => state.patches[axis].findIndex((edge) => edge > place) - 1);
    if (Math.min(...patch) < 0) return;
    state.patch = patch;
    this.ask();
  }

  chooseUnit(side, row, col) {
    Object.assign(this.sides[side], { unit: [row, col], patch: null });
    byId(`let-go${side}`).hidden = true;
    this.ask();
  }

  letGo(side) {
    const state = this.sides[side];
    const held = state.patch !== null;
    state.patch = null;
    byId(`let-go${side}`).hidden = true;
    return held;
  }

  compare(both) {
    this.both = both;
    byId("compare").setAttribute("aria-pressed", String(both));
    byId("sides").dataset.count = both ? 2 : 1;
    byId("panel1").hidden = !both;
    if (both && this.sides[1].layer === null && this.sides[1].model === this.sides[0].model)
      Object.assign(this.sides[1], { layer: this.sides[0].layer });
    window.dispatchEvent(new Event("resize"));
    this.ask();
  }

  enable() {
    const gradient = document.querySelector("input[name=method]:checked").value === "gradient";
    const occlusion = document.querySelector("input[name=method]:checked").value === "occlusion";
    for (const id of ["patch", "stride", "draws"]) byId(id).disabled = gradient;
    byId("sigma").disabled = gradient || occlusion;
  }

  // --- from the server ------------------------------------------------------------------------

  hear(text) {
    const letter = JSON.parse(text);
    this[`show_${letter.kind}`](letter);
  }

  show_ready(letter) {
    this.ready = letter;
    byId("sigma").value = letter.sigma;
    byId("sigma-unit").textContent = letter.sigmaUnit;
    for (const side of [0, 1]) {
      options(byId(`model${side}`), [["", letter.models.map((name, index) => [index, name])]]);
      this.sides[side].model = Math.min(side, letter.models.length - 1);
      byId(`model${side}`).value = this.sides[side].model;
    }
    this.say(letter.notes.join("; "));
    document.body.dataset.ready = "yes";
    this.compare(letter.models.length > 1);
  }

  show_opened({ side, image, size, layers, stages }) {
    const state = this.sides[side];
    Object.assign(state, { size, layers });
    const named = (names) => layers.filter((each) => names(each.name)).map(layerOption);
    const groups = [["stages", named((name) => stages.includes(name))]];
    groups.push(["all layers", named((name) => !stages.includes(name))]);
    options(byId(`layer${side}`), groups);
    write(`image-name${side}`, image);
  }

  show_responded({ side, layer, unit, units, patches, theory }) {
    const state = this.sides[side];
    Object.assign(state, { layer, unit, units, patches });
    const select = byId(`layer${side}`);
    select.value = layer;
    for (const [axis, index] of [["row", 0], ["col", 1]]) {
      byId(`${axis}${side}`).value = unit[index];
      byId(`${axis}${side}`).max = units[index] - 1;
    }
    write(`unit-name${side}`, `${layer}${state.channel === null ? "" : `:${state.channel}`}@${unit}`);
    write(`theory${side}`, theory);
    write(`layer-shows${side}`, `Response of ${layer}, ${units[0]} × ${units[1]} units`);
    this.waiting(side, true);
    byId(`progress${side}`).style.width = "0";
    this.say("Listening …");
  }

  show_foreseen({ side }) {
    write(`look${side}`, "A first look by gradient, until the first draw is in:");
    byId(`panel${side}`).dataset.shows = "look";
  }

  show_grown(letter) {
    const side = letter.tabSide;
    write(`look${side}`, letter.joint ? "Gradient of the unit on" : "Field of the unit on");
    write(`summary${side}`, letter.summary);
    write(`definition${side}`, `size: ${letter.definition}; engine: ${letter.engine}`);
    const counted = letter.joint ? `${letter.draws} random projections` : `${letter.draws} of ${letter.wanted}`;
    write(`draws-taken${side}`, counted, letter.draws);
    for (const [name, { value, text, interval }] of Object.entries(letter.numbers)) {
      write(`${name}${side}`, text, value);
      write(`${name}-interval${side}`, interval === null ? "" : interval.text);
      byId(`${name}-interval${side}`).dataset.low = interval?.low ?? "";
      byId(`${name}-interval${side}`).dataset.high = interval?.high ?? "";
    }
    write(`python${side}`, letter.python);
    byId(`progress${side}`).style.width = `${(100 * letter.draws) / letter.wanted}%`;
    byId(`panel${side}`).dataset.shows = letter.unit;
    byId(`panel${side}`).dataset.draws = letter.draws;
    this.waiting(side, false);
    this.say(letter.draws < letter.wanted ? "Sharpening …" : "");
  }

  show_reached({ side, patch, draws }) {
    write(`layer-shows${side}`, `Whom patch ${patch} reaches, ${draws} ${draws === 1 ? "draw" : "draws"}`);
    byId(`let-go${side}`).hidden = false;
  }

  show_refused({ side, words }) {
    this.say(words, true);
    if (side >= 0) this.waiting(side, false);
  }

  show_kept({ words, name, content }) {
    this.say(words);
    if (content === "") return;
    const link = document.createElement("a");
    link.href = `data:image/png;base64,${content}`;
    link.download = name;
    link.click();
  }

  waiting(side, is) {
    byId(`panel${side}`).querySelector(".numbers").classList.toggle("waiting", is);
  }

  say(words, bad = false) {
    byId("status").textContent = words;
    byId("status").classList.toggle("bad", bad);
  }
}

// What one side asks.
class SideState {
  constructor() {
    Object.assign(this, { model: 0, layer: null, unit: null, channel: null, patch: null });
  }

  get question() {
    const { model, layer, unit, channel, patch } = this;
    return { model, layer, unit, channel, patch };
  }
}

function layerOption({ name, size, channels }) {
  return [name, `${name}  (${size[0]} × ${size[1]}, ${channels} channels)`];
}

// Options in groups of (name, [[value, text]]); an empty name is no group.
function options(select, groups) {
  const nodes = groups
    .filter(([, entries]) => entries.length > 0)
    .flatMap(([name, entries]) => {
      const made = entries.map(([value, text]) => new Option(text, value));
      if (name === "") return made;
      const group = document.createElement("optgroup");
      group.label = name;
      group.append(...made);
      return [group];
    });
  select.replaceChildren(...nodes);
}

function write(id, text, value) {
  const element = byId(id);
  element.textContent = text;
  if (value !== undefined) element.dataset.value = value === null ? "" : String(value);
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

window.ExplorerPage = ExplorerPage;
