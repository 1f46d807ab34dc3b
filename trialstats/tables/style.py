"""How tables look, on a page of their own and in the report."""

#: Rules of a printed journal: three lines, no grid. Wide tables scroll in their box;
#: the first column stays in view. Paper is light, also where screens are dark.
TABLE_STYLE = """
:root{color-scheme:light;--ink:#1b1f24;--quiet:#57606a;--line:#d0d7de;--strong:#57606a;
--shade:#f6f8fa;--link:#0b57a4;--paper:#fff;--shadow:rgba(27,31,36,.18);
--mark:#dceafb}
@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){
color-scheme:dark;--ink:#e6e9ed;--quiet:#a9b3bf;--line:#3a424c;--strong:#8b949e;
--shade:#1e242c;--link:#7ab8ff;--paper:#12161b;--shadow:rgba(0,0,0,.6);--mark:#173454}}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:var(--paper);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,
sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%}
main{max-width:76rem;margin:0 auto;padding:1rem}
a{color:var(--link)}
.table-block{margin:1.25rem 0 2rem}
.table-box{overflow-x:auto;max-width:100%;background:
linear-gradient(90deg,transparent,var(--paper) 70%) 100% 0 local,
linear-gradient(270deg,var(--shadow),transparent) 100% 0 scroll;
background-size:2.5rem 100%,.8rem 100%;background-repeat:no-repeat}
.table-box:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;font-size:.875rem;line-height:1.4;
font-variant-numeric:tabular-nums;min-width:min(100%,34rem)}
caption{text-align:left;padding:0 0 .5rem;caption-side:top}
caption>span{display:block;position:sticky;left:0;width:fit-content;
max-width:min(100%,calc(100vw - 2.5rem))}
caption .title{font-weight:650;font-size:1rem}
caption .number{color:var(--quiet)}
caption .subtitle{color:var(--quiet);font-weight:400}
thead{border-top:2px solid var(--strong);border-bottom:1px solid var(--strong)}
tbody:last-child{border-bottom:2px solid var(--strong)}
th,td{padding:.3rem .55rem;vertical-align:top;text-align:left;font-weight:400}
thead th{font-weight:650;vertical-align:bottom}
th.spanner{text-align:center;border-bottom:1px solid var(--line)}
.right{text-align:right;white-space:nowrap}
.center{text-align:center;white-space:nowrap}
.wide{min-width:12rem}
.widest{min-width:20rem}
tbody .code{overflow-wrap:anywhere;min-width:12.5rem;font-family:
ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.8rem}
tbody tr:not(.group):hover,
tbody tr:not(.group):hover th[scope=row]{background:var(--shade)}
tr.group th{font-weight:650;padding-top:.7rem}
tbody th[scope=row]{min-width:9rem}
tbody th[scope=row].wide,tbody th[scope=row].code{min-width:13rem}
.widest{min-width:20rem}
thead th:first-child,tbody th[scope=row]{position:sticky;left:0;z-index:1;
background:var(--paper)}
.indent-1{padding-left:1.6rem}
.indent-2{padding-left:2.6rem}
sup{line-height:0;font-size:.75em}
.preface{margin:0 0 .8rem;padding:.6rem .9rem;background:var(--shade);
border-left:3px solid var(--line);font-size:.875rem;line-height:1.45}
.preface div{display:flex;gap:.75rem;padding:.1rem 0}
.preface dt{flex:0 0 12.5rem;color:var(--quiet)}
.preface dd{margin:0}
.footnotes{list-style:none;margin:.5rem 0 0;padding:0;color:var(--quiet);
font-size:.8125rem;line-height:1.45;max-width:60rem;overflow-wrap:anywhere}
.preface-title{margin:0 0 .4rem;font-weight:650}
@media (max-width:40rem){.preface div{display:block;padding:.25rem 0}
.preface dt{font-size:.8125rem}th,td{padding:.3rem .5rem}
tbody th[scope=row]{min-width:8.5rem;max-width:11rem}tbody .code{min-width:9rem}}
@media print{.table-box{overflow:visible;background:none}thead th:first-child,
tbody th[scope=row]{position:static}table{font-size:8pt}tr{break-inside:avoid}
thead{display:table-header-group}.right,.center{white-space:normal}}
"""
