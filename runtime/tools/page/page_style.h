// The style sheet of a page.
#pragma once

namespace mmoe::tools {

constexpr const char* kPageStyle = R"css(
:root { color-scheme: light dark; --page: #fff; --text: #1c2024; --soft: #5c6670; --rule: #d9dee3; --card: #f6f8fa;
  --shade: 59, 125, 216; --t0: #3b7dd8; --t1: #d9822b; --t2: #2e9d6a; --t3: #a35fcf; --t4: #c94f5c; --t5: #4f8f9d;
  --several: #7d8894; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171a; --text: #e4e8ec; --soft: #9aa5b0; --rule: #333a41; --card: #1c2126; --shade: 88, 152, 240; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 24px 20px 60px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 6px; padding-top: 10px; border-top: 1px solid var(--rule); }
h3 { font-size: 16px; margin: 0 0 2px; overflow-wrap: anywhere; }
p { margin: 4px 0 10px; max-width: 86ch; }
.soft { overflow-wrap: anywhere; }
.soft, .legend { color: var(--soft); font-size: 13.5px; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 8px 14px; }
.tiles b { display: block; font-size: 19px; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: 13px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px;
  margin: 14px 0; }
.pair { display: flex; flex-wrap: wrap; gap: 14px; }
.pair .card { flex: 1 1 420px; min-width: 0; margin: 0; }
.wide { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 8px; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
thead th { white-space: normal; min-width: 52px; }
.text { text-align: left; }
thead th.group { text-align: center; overflow-wrap: anywhere; }
th[scope=row] { text-align: left; font-weight: 600; white-space: normal; overflow-wrap: break-word;
  max-width: min(30em, 60vw); }
.shade { display: block; margin: -4px -8px; padding: 4px 8px; background: rgba(var(--shade), calc(var(--s) * .62)); }
.bar { display: block; min-width: 92px; background: linear-gradient(rgba(var(--shade), .38) 0 0) 0 100% / var(--w) 3px
  no-repeat; padding-bottom: 4px; }
.note { border-left: 4px solid var(--t1); padding: 6px 12px; background: var(--card); margin: 10px 0; max-width: 86ch; }
summary { cursor: pointer; color: var(--soft); font-size: 13.5px; }
svg { display: block; }
.fit svg { width: 100%; max-width: 500px; height: auto; }
@media (max-width: 520px) { .fit svg text { font-size: 14.5px; } }
svg text { fill: var(--soft); font-size: 12px; }
svg .value { fill: var(--text); }
svg .small { font-size: 10px; }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--soft); }
.whisker { stroke: var(--text); stroke-width: 1.5; }
.curve { stroke-width: 2; fill: none !important; }
.t0 { fill: var(--t0); stroke: var(--t0); background: var(--t0); }
.t1 { fill: var(--t1); stroke: var(--t1); background: var(--t1); }
.t2 { fill: var(--t2); stroke: var(--t2); background: var(--t2); }
.t3 { fill: var(--t3); stroke: var(--t3); background: var(--t3); }
.t4 { fill: var(--t4); stroke: var(--t4); background: var(--t4); }
.t5 { fill: var(--t5); stroke: var(--t5); background: var(--t5); }
.several { fill: var(--several); stroke: var(--several); background: var(--several); }
rect { stroke: none !important; }
.hollow { fill: var(--card); background: none; stroke-width: 2; box-shadow: inset 0 0 0 2px var(--t4); }
.faint { fill-opacity: .3; stroke-opacity: .5; }
.limit { stroke: var(--t4); stroke-dasharray: 5 4; }
.ring { fill: none !important; stroke-width: 2.5; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 14px; overflow-x: auto;
  font-size: 13px; }
.prose { display: inline-block; white-space: normal; min-width: 15em; max-width: 40em; text-align: left; }
.legend span { margin-right: 16px; white-space: nowrap; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 5px; }
@media print { body { max-width: none; } .card { break-inside: avoid; } }
)css";

}  // namespace mmoe::tools
