"""The style sheet of the report: light and dark, wide and narrow, on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b2430; --soft: #5a6675; --line: #dde2e9; --accent: #1f5fd0;
  --good: #18794e; --bad: #c2332b; --bad-paper: #fdecea; --warn: #9a5b00; --ground: #e9edf2;
  --build: #2f6fde; --load: #7b57d6; --release: #0b7f86; --rollback: #a56200; --verify: #3f7d3a; --other: #64748b;
  --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11161d; --card: #1a212b; --ink: #e6ebf2; --soft: #9aa7b8; --line: #2d3744; --accent: #7fb0ff;
    --good: #5cc98f; --bad: #ff8a80; --bad-paper: #3a1f22; --warn: #f0b354; --ground: #27303c;
    --build: #6ba1ff; --load: #b196ff; --release: #4cc4ca; --rollback: #f0b354; --verify: #8fce88; --other: #94a3b8;
    --on: #0e131a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .35rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 0 0 .25rem; }
h3 { font-size: .95rem; margin: 0; }
p { margin: .25rem 0; }
header p, .hint { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.15rem 1.25rem;
  margin-top: 1.25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem 1.5rem;
  margin: 1rem 0 0; }
.facts dt { color: var(--soft); font-size: .8rem; }
.facts dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.row { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: .2rem 1rem; padding: .6rem 0;
  border-top: 1px solid var(--line); }
.row:first-of-type { border-top: 0; }
.columns { display: grid; grid-template-columns: 3.4rem minmax(0, 1fr); gap: .5rem; margin-top: .5rem; }
.row.axis { padding: 0; border: 0; }
.name { overflow-wrap: anywhere; }
.name p { font-size: .85rem; margin: 0; color: var(--soft); }
.name p.good { color: var(--good); } .name p.bad { color: var(--bad); }
svg { display: block; overflow: visible; } svg.piece { overflow: hidden; }
text { font-size: 12px; fill: var(--ink); font-variant-numeric: tabular-nums; }
text.tick { fill: var(--soft); font-size: 11px; }
text.label { fill: var(--on); font-weight: 500; pointer-events: none; }
text.label.state { fill: var(--ink); font-weight: 400; font-size: 11px; }
.grid { stroke: var(--line); stroke-width: 1; }
.ground { fill: var(--ground); }
.limit { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 4 3; }
.fill-build { fill: var(--build); } .fill-load { fill: var(--load); } .fill-release { fill: var(--release); }
.fill-rollback { fill: var(--rollback); } .fill-verify { fill: var(--verify); } .fill-other { fill: var(--other); }
.fill-failed { fill: var(--bad); } .fill-good { fill: var(--good); } .fill-open { fill: var(--warn); }
.fill-state { fill: var(--ground); stroke: var(--card); }
.fill-state-ready { fill: color-mix(in srgb, var(--good) 28%, var(--card)); stroke: var(--card); }
.fill-state-failed { fill: color-mix(in srgb, var(--bad) 32%, var(--card)); stroke: var(--card); }
.fill-l0 { fill: var(--build); } .fill-l1 { fill: var(--load); } .fill-l2 { fill: var(--release); }
.fill-l3 { fill: var(--rollback); } .fill-l4 { fill: var(--verify); } .fill-rest { fill: var(--other); }
.layers { list-style: none; margin: .35rem 0 0; padding: 0; font-size: .85rem; }
.layers li { display: grid; grid-template-columns: 1rem 4.4rem minmax(0, 1fr); gap: .3rem; align-items: baseline; }
.layers svg { width: .7rem; height: .7rem; } .layers code { overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.layers .mb, td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.cause { background: var(--bad-paper); border-left: 4px solid var(--bad); border-radius: 6px; padding: .75rem 1rem;
  margin: .75rem 0 0; }
.cause strong { color: var(--bad); }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .85em; }
pre { margin: .35rem 0; padding: .6rem .75rem; overflow-x: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: 6px; }
details { margin-top: .75rem; } summary { cursor: pointer; color: var(--accent); font-size: .9rem; }
.scroll { overflow-x: auto; margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .15rem; }
.scroll + .scroll { margin-top: 1.4rem; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; white-space: nowrap; } td time, td code { white-space: nowrap; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 640px) {
  body { padding: 1.25rem .75rem 3rem; }
  section { padding: 1rem .9rem; border-radius: 10px; }
  .row { grid-template-columns: minmax(0, 1fr); }
  .name { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .6rem; }
}
@media print {
  :root { --paper: #fff; --card: #fff; }
  body { max-width: none; padding: 0; font-size: 11px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .row, .cause, tr { break-inside: avoid; } h2 { break-after: avoid; }
  summary { display: none; } details::details-content { content-visibility: visible; block-size: auto; }
}
"""
