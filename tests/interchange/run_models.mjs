// run_models.mjs FOLDER PACKAGES: runs each model that FOLDER/models.json lists with ONNX Runtime on inputs in .npy files, and
// compares its outputs with such files. Prints a line for each model that fails; and, where there are labels, how many
// rows of the first output have their largest number at theirs.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, packages] = process.argv.slice(2);
const ort = createRequire(join(packages, "package.json"))("onnxruntime-node");

const kTypes = {
  "<f4": ["float32", Float32Array],
  "<f8": ["float64", Float64Array],
  "<i8": ["int64", BigInt64Array],
  "<i4": ["int32", Int32Array],
  "|u1": ["uint8", Uint8Array],
  "|b1": ["bool", Uint8Array],
};

function readNpy(name) {
  const file = readFileSync(join(folder, name));
  const begin = 10 + file.readUInt16LE(8);
  const header = file.toString("latin1", 10, begin);
  const [type, Array_] = kTypes[/'descr': '([^']*)'/.exec(header)[1]];
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(",").filter((d) => d.trim()).map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  const bytes = file.buffer.slice(file.byteOffset + begin, file.byteOffset + begin + count * Array_.BYTES_PER_ELEMENT);
  return new ort.Tensor(type, new Array_(bytes), dims);
}

function difference(got, wanted, tolerance) {
  if (got.type !== wanted.type || got.dims.join() !== wanted.dims.join())
    return `${got.type} [${got.dims}] where ${wanted.type} [${wanted.dims}] was expected`;
  // What is small because terms of the size of one cancel has their rounding.
  let largest = 0.01;
  for (const w of wanted.data) if (Number.isFinite(Number(w))) largest = Math.max(largest, Math.abs(Number(w)));
  for (let i = 0; i < wanted.data.length; ++i) {
    const [g, w] = [Number(got.data[i]), Number(wanted.data[i])];
    const same = Object.is(g, w) || g === w || (Number.isNaN(g) && Number.isNaN(w)) || Math.abs(g - w) <= tolerance * largest;
    if (!same) return `element ${i} is ${g} where ${w} was expected`;
  }
  return null;
}

function right(scores, labels) {
  const classes = scores.dims.at(-1);
  let count = 0;
  labels.data.forEach((label, row) => {
    const of = scores.data.slice(row * classes, (row + 1) * classes);
    if (of.indexOf(Math.max(...of)) === Number(label)) ++count;
  });
  return count;
}

for (const { model, inputs, outputs, labels, tolerance = 1e-5 } of JSON.parse(readFileSync(join(folder, "models.json"), "utf8"))) {
  try {
    const session = await ort.InferenceSession.create(join(folder, model), { logSeverityLevel: 4, intraOpNumThreads: 1 });
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, file]) => [name, readNpy(file)]));
    const results = await session.run(feeds);
    for (const [name, file] of Object.entries(outputs)) {
      const wrong = difference(results[name], readNpy(file), tolerance);
      if (wrong) console.log(`${model}: ${name}: ${wrong}`);
    }
    if (labels) console.log(`${model}: ${right(results[session.outputNames[0]], readNpy(labels))} right`);
  } catch (error) {
    console.log(`${model}: ${error.message.split("\n")[0]}`);
  }
}
