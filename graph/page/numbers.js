// Numbers in words.

const trimmed = (value) => String(Number(value.toPrecision(3)));

function numberText(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  return trimmed(value);
}

function withPrefix(value, base, units) {
  let step = 0;
  for (; value >= base && step + 1 < units.length; ++step) value /= base;
  return `${trimmed(value)} ${units[step]}`.trim();
}

const groupedText = (value) => value.toLocaleString('en');
const flopsText = (value) => withPrefix(value, 1000, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP', 'PFLOP']);
const bytesText = (value) => withPrefix(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
const durationText = (seconds) => withPrefix(seconds * 1e9, 1000, ['ns', 'µs', 'ms', 's']);
