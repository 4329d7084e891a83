// The style sheet of the pages: light, wide enough for two charts, readable on a phone and on paper.
#pragma once

#include <string_view>

namespace mgca::viz::detail {

inline constexpr std::string_view kStyle = R"css(
:root{--ink:#1b2330;--soft:#5b6675;--line:#e3e7ee;--ground:#f4f6f9;--card:#fff;--accent:#2563eb;--good:#0d7a55;--bad:#b4232a}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
header,main,footer{max-width:1200px;margin:0 auto;padding:0 24px}
header{padding-top:44px;padding-bottom:8px}
h1{font-size:30px;line-height:1.2;letter-spacing:-.015em;margin:0 0 6px;font-weight:680}
.subtitle{color:var(--soft);font-size:17px;margin:0 0 18px;max-width:75ch}
nav{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 20px;padding:0;list-style:none}
nav a{color:var(--soft);text-decoration:none;border:1px solid var(--line);background:var(--card);border-radius:999px;padding:4px 14px;font-size:13px}
nav a:hover{color:var(--accent);border-color:var(--accent)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:26px 30px 30px;margin:0 0 22px;box-shadow:0 1px 2px rgba(20,30,50,.04)}
h2{font-size:20px;letter-spacing:-.01em;margin:0 0 4px;font-weight:650}
h3{font-size:15px;margin:0 0 8px;font-weight:620}
.intro{color:var(--soft);margin:0 0 6px;max-width:80ch}
p{margin:0;max-width:80ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,190px),1fr));gap:14px}
.tile{border:1px solid var(--line);border-radius:12px;padding:14px 18px;background:linear-gradient(180deg,#fff,#fafbfd)}
.tile .label{color:var(--soft);font-size:13px}
.tile .value{font-size:28px;line-height:1.25;font-weight:660;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile .detail{color:var(--soft);font-size:13px;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:620;padding:0 0 8px}
th{color:var(--soft);font-weight:600;font-size:13px;text-align:left;padding:8px 12px;border-bottom:2px solid var(--line);white-space:nowrap}
td{padding:8px 12px;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
tbody tr:hover td{background:#f8fafd}
.number{text-align:right;white-space:nowrap}
.minor{color:var(--soft);font-size:13px;font-weight:400;margin-left:6px}
.best{font-weight:680}
.caption{color:var(--soft);font-size:13px;max-width:80ch}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:26px 30px;align-items:start}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(46%,210px),1fr));gap:18px}
figure{margin:0;min-width:0}
figure svg{display:block;margin:0 auto}
figure img{display:block;width:100%;height:auto;border-radius:10px;background:#000}
figure.whole img{width:auto;max-width:100%}
figcaption{margin-top:8px;color:var(--soft);font-size:13px;line-height:1.45}
figcaption h3{color:var(--ink);font-size:14px;margin:0 0 2px}
.formula{display:block;margin-top:4px;font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:#3d4858}
.scale{display:grid;grid-template-columns:auto 1fr auto;gap:8px;align-items:center;margin-top:6px;font-size:12px;font-variant-numeric:tabular-nums}
.scale i{height:8px;border-radius:4px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:0 34px;margin:0}
dl div{display:flex;justify-content:space-between;gap:18px;border-bottom:1px solid var(--line);padding:7px 0}
dt{color:var(--soft)}
dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.note{border-left:4px solid var(--accent);background:#eff4ff;border-radius:0 10px 10px 0;padding:11px 16px;max-width:none}
.note.warning{border-color:#d97706;background:#fff7e8}
.note.private{border-color:var(--bad);background:#fdf0f0}
.strip{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,4fr);gap:20px;padding:16px 0;border-top:1px solid var(--line)}
.answers{display:grid;align-items:start;grid-template-columns:repeat(auto-fit,minmax(min(46%,150px),1fr));gap:14px}
.card{border:1px solid var(--line);border-radius:10px;overflow:hidden;background:#fff;font-size:13px;line-height:1.45;min-width:0;break-inside:avoid}
.card img{display:block;width:100%;height:auto;background:#000}
.card div{padding:8px 11px 10px}
.card b{display:flex;justify-content:space-between;gap:8px;font-weight:620;font-variant-numeric:tabular-nums}
.card.right{border-color:var(--good);box-shadow:inset 0 0 0 1px var(--good)}
.card.right b::after{content:"✓";color:var(--good)}
.card.wrong b::after{content:"✗";color:var(--bad);font-weight:400}
.card.query{border-color:var(--accent);background:#f7faff}
.words{line-height:2.05;font-size:16px;max-width:85ch}
.words span,.words b{padding:2px 4px;border-radius:5px;font-weight:400}
.words b{font-weight:680}
main>.note{margin-bottom:22px}
section>*+*{margin-top:20px}
section>h2+.intro{margin-top:2px}
section>.scroll+.caption{margin-top:8px}
footer{color:var(--soft);font-size:13px;padding-top:4px;padding-bottom:44px}
@media(max-width:700px){body{font-size:14px}header,main,footer{padding-left:12px;padding-right:12px}header{padding-top:24px}h1{font-size:24px}
section{padding:18px 15px 20px;border-radius:11px}.strip{grid-template-columns:1fr}.strip .query{max-width:220px}td,th{padding:7px 8px}}
@media print{body{background:#fff;font-size:11pt}nav{display:none}header,main,footer{max-width:none;padding-left:0;padding-right:0}
section{border:0;box-shadow:none;padding:0 0 14px}figure,tr,.tile,.strip,.note{break-inside:avoid}h2{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)css";

}  // namespace mgca::viz::detail
