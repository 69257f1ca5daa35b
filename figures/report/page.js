// Draws what the sheets hold. All numbers come from the sheets; nothing is measured here.
"use strict";

class FieldPage {
  constructor(models) {
    this.models = models;
    const { sheets, pictures, shares, colors } = JSON.parse(document.getElementById("sheets").textContent);
    this.sheets = sheets.map(decodeSheet);
    this.pictures = pictures;
    this.shares = shares;
    this.colors = colors;
    this.sheet = this.sheets[0];
    this.unit = 0;
    this.patch = null;
    this.place = [0.5, 0.5]; // of the unit that a person chose, in shares of the layer's sides
    for (const key of ["model", "layer", "image"]) {
      const options = [...new Set(this.sheets.map((sheet) => sheet[key]))];
      const select = models[`${key}_select`];
      select.options = options;
      select.disabled = options.length < 2;
    }
    document.addEventListener("keydown", (event) => this.key(event));
    document.getElementById("print").addEventListener("click", () => window.print());
    this.chooseCriterion();
    this.show(this.sheet);
    document.body.dataset.ready = "yes";
  }

  get criterion() {
    return this.models.criterion.active === 0 ? "mass" : "peak";
  }

  // --- which result ---------------------------------------------------------------------------

  choose(key) {
    if (this.updating) return;
    const wanted = {};
    for (const name of ["model", "layer", "image"]) wanted[name] = this.models[`${name}_select`].value;
    const score = (sheet) =>
      (sheet[key] === wanted[key] ? 4 : 0) +
      ["model", "layer", "image"].filter((name) => sheet[name] === wanted[name]).length;
    this.show(this.sheets.reduce((best, sheet) => (score(sheet) > score(best) ? sheet : best)));
  }

  show(sheet) {
    this.sheet = sheet;
    this.patch = null;
    this.unit = sheet.at(this.place);
    const { field, layer, model_select, layer_select, image_select } = this.models;
    const [rows, cols] = sheet.size;
    const [unitRows, unitCols] = sheet.unitCount;
    this.quietly(() => {
      model_select.value = sheet.model;
      layer_select.value = sheet.layer;
      image_select.value = sheet.image;
      this.limit("unit", unitRows, unitCols, sheet.single);
      this.limit("patch", sheet.rowEdges.length - 1, sheet.colEdges.length - 1, false);
    });
    range(field, cols, rows);
    range(layer, unitCols, unitRows);
    for (const plot of [field, layer]) plot.aspect_ratio = cols / rows;
    this.models.pictureSource.data = { url: [this.pictures[sheet.picture]], x: [-0.5], y: [-0.5], w: [cols], h: [rows] };
    const whole = sheet.points === null;
    document.getElementById("hint").textContent = sheet.single
      ? "This result holds one unit; probe with --unit all to explore the layer."
      : `Click ${whole ? "a unit" : "a point"} of the layer to see its field; point at the image to see whom a patch reaches.`;
    document.getElementById("points-told").hidden = whole || sheet.single;
    this.models.theory_box.disabled = sheet.theory === null;
    document.getElementById("no-theory").hidden = sheet.theory !== null;
    this.drawUnit();
    this.drawLayer();
  }

  limit(thing, rows, cols, fixed) {
    for (const [axis, count] of [["row", rows], ["col", cols]]) {
      const spinner = this.models[`${thing}_${axis}`];
      spinner.high = count - 1;
      spinner.disabled = fixed;
    }
  }

  // --- which unit, which patch ----------------------------------------------------------------

  tapUnit(x, y) {
    this.select(Math.floor(y + 0.5), Math.floor(x + 0.5));
  }

  select(row, col) {
    const unit = this.sheet.index(row, col);
    if (unit === null) return;
    this.unit = unit;
    this.place = this.sheet.share(unit);
    this.drawUnit();
  }

  // By whole units; where only some were measured, to the next of them in that direction.
  move(step) {
    const { sheet } = this;
    const [row, col] = sheet.position(this.unit);
    const [rows, cols] = sheet.unitCount;
    if (sheet.points === null) return this.select(clamp(row + step[0], rows), clamp(col + step[1], cols));
    const next = sheet.beyond(this.unit, step);
    if (next !== null) this.select(...sheet.position(next));
    else this.drawUnit();
  }

  hover(x, y) {
    const row = find(this.sheet.rowEdges, y);
    const col = find(this.sheet.colEdges, x);
    if (row === null || col === null) return this.leave();
    this.point(row, col);
  }

  point(row, col) {
    this.patch = [row, col];
    this.quietly(() => {
      this.models.patch_row.value = row;
      this.models.patch_col.value = col;
    });
    this.drawLayer();
  }

  leave() {
    this.patch = null;
    this.drawLayer();
  }

  spin(thing) {
    if (this.updating) return;
    const row = this.models[`${thing}_row`].value ?? 0;
    const col = this.models[`${thing}_col`].value ?? 0;
    if (thing === "patch") return this.point(row, col);
    const before = this.sheet.position(this.unit);
    if (row === before[0] && col === before[1]) return; // told by the page itself, not by a person
    const known = this.sheet.points === null || this.sheet.points.some((each) => each[0] === row && each[1] === col);
    if (known) this.select(row, col);
    else this.move([Math.sign(row - before[0]), Math.sign(col - before[1])]);
  }

  key(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    const focused = event.composedPath()[0];
    const onPlot = focused === document.body || focused?.classList?.contains("plot");
    if (event.key === "Escape") this.leave();
    if (!step || !onPlot || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const sheet = this.sheet;
    if (event.shiftKey) {
      const [row, col] = this.patch ?? [0, 0].map((_, i) => Math.floor(sheet.grid[i] / 2));
      this.point(clamp(row + step[0], sheet.grid[0]), clamp(col + step[1], sheet.grid[1]));
    } else {
      this.move(step);
    }
  }

  // --- drawing --------------------------------------------------------------------------------

  drawUnit() {
    const { sheet, unit } = this;
    const [row, col] = sheet.position(unit);
    this.quietly(() => {
      this.models.unit_row.value = row;
      this.models.unit_col.value = col;
    });
    this.models.unitSource.data = { x: [col], y: [row] };
    const levels = sheet.levels("peak", unit);
    this.models.patchesSource.data = sheet.cells(Array.from(levels, (level) => this.colors.field[level]));
    text("unit-name", `${sheet.layer}@${row},${col}`);
    text("model-name", sheet.model);
    text("image-name", `${sheet.image}, ${sheet.size[0]} × ${sheet.size[1]} px`);
    this.drawTheory();
    this.drawThreshold();
  }

  drawLayer() {
    const { sheet, patch } = this;
    const colors = this.colors;
    const projective = patch !== null && !sheet.single;
    let reached = null;
    if (projective) {
      const reach = sheet.projective(patch, [0, ...this.shares.peak]);
      const most = largest(reach);
      reached = reach.map((value) => colors.reach[most > 0 ? step(value, 0, most) : 0]);
    }
    if (projective && sheet.points === null) {
      this.models.unitsSource.data = sheet.blocks(sheet.unitCount, reached);
    } else {
      const high = largest(sheet.activation);
      const low = -largest(sheet.activation.map((value) => -value));
      const shown = Array.from(sheet.activation, (value) => colors.activation[step(value, low, high)]);
      this.models.unitsSource.data = sheet.blocks(sheet.activationShape, shown);
    }
    const points = sheet.single ? [] : sheet.points ?? [];
    this.models.pointsSource.data = {
      x: points.map((each) => each[1]),
      y: points.map((each) => each[0]),
      color: reached !== null && sheet.points !== null ? reached : points.map(() => "#000000"),
    };
    text("layer-shows", projective ? `projective field of patch ${patch}${sheet.points === null ? "" : " at the points"}` : "response of the layer");
    const outline = { left: [], right: [], top: [], bottom: [], color: [] };
    if (patch !== null) {
      push(outline, ...sheet.cell(patch));
      outline.color.push("white");
    }
    this.models.patchSource.data = outline;
    text("patch-name", patch === null ? "none" : `${patch[0]},${patch[1]}: ${this.patchLevel(patch)}`);
  }

  patchLevel([row, col]) {
    const level = this.sheet.levels("peak", this.unit)[row * this.sheet.grid[1] + col];
    const shares = this.shares.peak;
    if (level === 0) return `at most ${percent(shares[0])} of the peak`;
    return `above ${percent(shares[level - 1])} of the peak`;
  }

  drawTheory() {
    const box = this.sheet.theory?.[this.unit] ?? null;
    const data = { left: [], right: [], top: [], bottom: [], color: [] };
    if (box !== null && this.models.theory_box.active.includes(0)) {
      push(data, box[0] - 0.5, box[2] - 0.5, box[1] - 0.5, box[3] - 0.5);
      data.color.push("white");
    }
    this.models.theorySource.data = data;
  }

  chooseCriterion() {
    const { threshold } = this.models;
    const shares = this.shares[this.criterion];
    const start = shares.indexOf(this.shares[`${this.criterion}Start`]);
    this.quietly(() => {
      // The end first when it grows: a slider keeps its value within its limits.
      threshold.setv({ end: shares.length - 1 });
      threshold.setv({ value: start });
    });
    this.drawThreshold();
  }

  label(tick) {
    return percent(this.shares[this.criterion][Math.round(tick)], 4);
  }

  drawThreshold() {
    if (this.updating) return;
    const { sheet, unit, criterion } = this;
    const index = this.models.threshold.value;
    const inside = sheet.inside(criterion, unit, index);
    const area = sheet.area(criterion, unit, index, inside);
    const [rows, cols] = sheet.size;
    this.models.contourSource.data = sheet.contour(inside);
    const box = sheet.theory?.[unit] ?? null;
    const reachable = box === null ? null : (box[2] - box[0]) * (box[3] - box[1]);
    const what = criterion === "mass" ? "smallest area with" : "area above";
    const definition = `${what} ${this.label(index)} of the ${criterion}`;
    this.models.threshold.title = `threshold: ${this.label(index)} of the ${criterion}`;
    text("definition", definition);
    number("area", area, `${thousands(area)} px`);
    number("side", Math.sqrt(area), `${Math.sqrt(area).toFixed(1)} px`);
    number("share-of-image", area / (rows * cols), percent(area / (rows * cols)));
    const share = reachable === null || reachable === 0 ? null : area / reachable;
    number("share-of-theory", share, share === null ? "unknown" : percent(share));
  }

  quietly(change) {
    this.updating = true;
    try {
      change();
    } finally {
      this.updating = false;
    }
  }
}

// A layer on an image, whole or some units of it: its arrays, and where its cells and units are.
class SheetData {
  constructor(json) {
    Object.assign(this, json);
    this.activation = new Float32Array(bytes(json.activation));
    this.peakLevels = new Uint8Array(bytes(json.peakLevels));
    this.massLevels = new Uint8Array(bytes(json.massLevels));
    this.massAreas = new Float64Array(bytes(json.massAreas));
    this.grid = [json.rowEdges.length - 1, json.colEdges.length - 1];
    this.single = json.points !== null && json.points.length === 1;
    this.shareCount = this.massAreas.length / this.peaks.length;
  }

  position(unit) {
    if (this.points !== null) return this.points[unit];
    return [Math.floor(unit / this.unitCount[1]), unit % this.unitCount[1]];
  }

  // The unit at a place; where only some were measured, the nearest of them.
  index(row, col) {
    const [rows, cols] = this.unitCount;
    if (row < 0 || col < 0 || row >= rows || col >= cols) return null;
    if (this.points === null) return row * cols + col;
    return smallest(this.points, ([r, c]) => (r - row) ** 2 + (c - col) ** 2);
  }

  // Where a unit is, in shares of the layer's sides, and the unit there.
  share(unit) {
    return this.position(unit).map((position, axis) => (position + 0.5) / this.unitCount[axis]);
  }

  at(place) {
    if (this.points === null) return this.index(...place.map((share, axis) => Math.floor(share * this.unitCount[axis])));
    const units = this.points.map((_, unit) => this.share(unit));
    return smallest(units, ([row, col]) => (row - place[0]) ** 2 + (col - place[1]) ** 2);
  }

  // The next measured unit in a direction, preferring those straight ahead; null if there is none.
  beyond(unit, [down, right]) {
    const [row, col] = this.position(unit);
    const far = this.points.map(([r, c]) => {
      const ahead = (r - row) * down + (c - col) * right;
      const aside = Math.abs((r - row) * right) + Math.abs((c - col) * down);
      return ahead > 0 ? ahead + 2 * aside : Infinity;
    });
    const next = smallest(far, (value) => value);
    return far[next] === Infinity ? null : next;
  }

  levels(criterion, unit) {
    const count = this.grid[0] * this.grid[1];
    return this[`${criterion}Levels`].subarray(unit * count, (unit + 1) * count);
  }

  inside(criterion, unit, index) {
    const least = criterion === "peak" ? index + 1 : this.shareCount - index;
    return Array.from(this.levels(criterion, unit), (level) => level >= least);
  }

  area(criterion, unit, index, inside) {
    if (criterion === "mass") return this.massAreas[unit * this.shareCount + index];
    // Sums of multiples of a quarter: exact in any order.
    const cols = this.grid[1];
    return inside.reduce((sum, isInside, cell) => {
      if (!isInside) return sum;
      const [top, bottom, left, right] = this.cell([Math.floor(cell / cols), cell % cols]);
      return sum + (bottom - top) * (right - left);
    }, 0);
  }

  cell([row, col]) {
    return [this.rowEdges[row], this.rowEdges[row + 1], this.colEdges[col], this.colEdges[col + 1]];
  }

  cells(color) {
    const data = { left: [], right: [], top: [], bottom: [], color };
    for (let row = 0; row < this.grid[0]; row++)
      for (let col = 0; col < this.grid[1]; col++) push(data, ...this.cell([row, col]));
    return data;
  }

  // The layer as (rows, cols) blocks of units; the last of a row or column may be smaller.
  blocks([rows, cols], color) {
    const data = { left: [], right: [], top: [], bottom: [], color };
    const edges = [rows, cols].map((count, axis) => {
      const units = this.unitCount[axis];
      const block = Math.ceil(units / count);
      return Array.from({ length: count + 1 }, (_, i) => Math.min(i * block, units) - 0.5);
    });
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++)
        push(data, edges[0][row], edges[0][row + 1], edges[1][col], edges[1][col + 1]);
    return data;
  }

  // Borders between cells that are inside and those that are not.
  contour(inside) {
    const [rows, cols] = this.grid;
    const at = (row, col) => row >= 0 && col >= 0 && row < rows && col < cols && inside[row * cols + col];
    const data = { x0: [], y0: [], x1: [], y1: [] };
    const line = (x0, y0, x1, y1) => {
      data.x0.push(x0);
      data.y0.push(y0);
      data.x1.push(x1);
      data.y1.push(y1);
    };
    for (let row = 0; row <= rows; row++)
      for (let col = 0; col <= cols; col++) {
        const [x, y] = [this.colEdges[col], this.rowEdges[row]];
        if (col < cols && at(row, col) !== at(row - 1, col)) line(x, y, this.colEdges[col + 1], y);
        if (row < rows && at(row, col) !== at(row, col - 1)) line(x, y, x, this.rowEdges[row + 1]);
      }
    return data;
  }

  // How much a patch changes each unit, to the accuracy of the levels.
  projective([row, col], shares) {
    const count = this.grid[0] * this.grid[1];
    const cell = row * this.grid[1] + col;
    return this.peaks.map((peak, unit) => peak * shares[this.peakLevels[unit * count + cell]]);
  }
}

const decodeSheet = (json) => new SheetData(json);

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}

function range(plot, cols, rows) {
  plot.x_range.setv({ start: -0.5, end: cols - 0.5 });
  plot.y_range.setv({ start: rows - 0.5, end: -0.5 });
}

function push(data, top, bottom, left, right) {
  data.top.push(top);
  data.bottom.push(bottom);
  data.left.push(left);
  data.right.push(right);
}

function find(edges, place) {
  const after = edges.findIndex((edge) => edge > place);
  return after < 1 ? null : after - 1;
}

function clamp(value, count) {
  return Math.min(Math.max(value, 0), count - 1);
}

// Math.max(...values) takes no more values than fit on the stack.
function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

// The index of the item of which a number is smallest.
function smallest(items, of) {
  const values = items.map(of);
  return values.indexOf(-largest(values.map((value) => -value)));
}

function step(value, low, high) {
  return high > low ? Math.round((255 * (value - low)) / (high - low)) : 0;
}

function text(id, value) {
  document.getElementById(id).textContent = value;
}

function number(id, value, shown) {
  const element = document.getElementById(id);
  element.textContent = shown;
  element.dataset.value = value === null ? "" : String(value);
}

// As erf.measure's summary: none, one or two decimals.
function percent(share, digits = null) {
  if (digits !== null) return `${Number((100 * share).toPrecision(digits))} %`;
  return `${(100 * share).toFixed(share >= 0.0995 ? 0 : share >= 0.00995 ? 1 : 2)} %`;
}

function thousands(value) {
  return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

window.FieldPage = FieldPage;
