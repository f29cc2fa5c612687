// The picture as a Mermaid flowchart, in words that read the same whether a site draws labels as HTML or as SVG text.

function mermaidLine(text) {
  let safe = text.replaceAll('"', "'").replaceAll('%%{', '%% {').replaceAll('$$', '$ $').replaceAll('\\n', '\\ n');
  safe = safe.replace(/(fa[bklrs]?:)(fa-)/g, '$1 $2').replace(/#(\w+);/g, '#$1 ;').replaceAll('ﬂ°', 'ﬂ °').replaceAll('¶ß', '¶ ß');
  safe = safe.replaceAll('&', '#amp;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
  // Mermaid would take the semicolon of an entity for the end of a style statement.
  if (/style|classDef/.test(safe)) safe = safe.replace(/(:[^\s#]*)#/g, '$1 #');
  return safe.startsWith('`') ? ' ' + safe : safe;
}

function mermaidText(picture, direction, title, description) {
  const outlines = drawShape.outlines;
  const label = (lines) => `"${lines.map(mermaidLine).join('<br/>') || ' '}"`;
  const lines = [`flowchart ${direction}`, `  accTitle: ${mermaidLine(title)}`, `  accDescr: ${mermaidLine(description)}`];
  const node = (id, outline, paint, texts) => {
    const [open, close] = outlines[outline];
    return `${id}${open}${label(texts)}${close}:::${paint}`;
  };
  const writeFrame = (parent, indent) => {
    for (const box of picture.boxes.values()) {
      if ((box.parent ?? null) === parent) lines.push(indent + node(box.key, outlineOf(box), box.paint, box.lines));
    }
    for (const frame of picture.frames.values()) {
      if (frame.parent !== parent) continue;
      lines.push(`${indent}subgraph ${frame.id}[${label([frame.title])}]`);
      writeFrame(frame.id, indent + '  ');
      lines.push(`${indent}end`);
    }
  };
  writeFrame(null, '  ');
  const arrows = {data: '-->', gradient: '-.->', saved: '--o', loops: '-. next step .->'};
  for (const {kind, from, to} of picture.links) lines.push(`  ${from} ${arrows[kind]} ${to}`);
  const legend = legendEntries(picture);
  lines.push('  subgraph legend["Legend"]', '    direction LR');
  legend.forEach(({paint, outline, text}, number) => lines.push('    ' + node(`l${number}`, outline, paint, [text])));
  lines.push('  end');
  const paints = new Set([...picture.boxes.values(), ...legend].map(({paint}) => paint));
  for (const paint of paints) {
    const {fill, stroke, text} = drawShape.paints[paint];
    const extra = paint === 'alert' ? ',stroke-width:4px' : paint === 'rest' ? ',stroke-dasharray:4' : '';
    lines.push(`  classDef ${paint} fill:${fill},stroke:${stroke},color:${text}${extra}`);
  }
  lines.push(`  classDef frame fill:${kLine}1f,stroke:${kLine},color:${kFrameText}`);
  lines.push(`  class ${[...picture.frames.keys(), 'legend'].join(',')} frame`);
  return lines.join('\n') + '\n';
}
