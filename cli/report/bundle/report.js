(()=>{var ut=Object.create;var $e=Object.defineProperty;var ft=Object.getOwnPropertyDescriptor;var ht=Object.getOwnPropertyNames;var gt=Object.getPrototypeOf,yt=Object.prototype.hasOwnProperty;var bt=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(n){throw t=0,n}};var wt=(e,t,n,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let o of ht(t))!yt.call(e,o)&&o!==n&&$e(e,o,{get:()=>t[o],enumerable:!(r=ft(t,o))||r.enumerable});return e};var C=(e,t,n)=>(n=e!=null?ut(gt(e)):{},wt(t||!e||!e.__esModule?$e(n,"default",{value:e,enumerable:!0}):n,e));var H=bt((Mn,Ce)=>{Ce.exports=globalThis.Plot});var ke=`:root {
  color-scheme: light dark;
  --paper: light-dark(#fcfbf9, #14171c);
  --raised: light-dark(#f4f2ee, #1d2128);
  --ink: light-dark(#1c2330, #e8ebf1);
  --soft: light-dark(#586174, #a4adbb);
  --line: light-dark(#e3e0da, #2d333d);
  --run-0: light-dark(#0066a8, #6bb7f2);
  --run-1: light-dark(#c04a00, #ff9d5e);
  --run-2: light-dark(#007a59, #4fd0a6);
  --run-3: light-dark(#98427f, #e6a0cd);
  --run-4: light-dark(#7d6400, #dfc24a);
  --run-5: light-dark(#4a5568, #b9c2d0);
  --right: light-dark(#0066a8, #6bb7f2);
  --wrong: light-dark(#c04a00, #ff9d5e);
  --plot-background: var(--paper);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  background: var(--paper);
  color: var(--ink);
  -webkit-text-size-adjust: 100%;
}

* {
  box-sizing: border-box;
}

body {
  margin: 0 auto;
  max-width: 74rem;
  padding: 0 clamp(1rem, 4vw, 2.5rem) 5rem;
}

h1,
h2,
h3,
p,
figure,
dl,
dd,
ul {
  margin: 0;
  padding: 0;
}

h1 {
  font: 400 clamp(1.55rem, 3.6vw, 2.35rem) / 1.25 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif;
  letter-spacing: -0.01em;
  max-width: 46rem;
  margin: 0.6rem 0 0.5rem;
  text-wrap: balance;
}

h2 {
  font-size: 1.2rem;
  font-weight: 600;
  letter-spacing: -0.005em;
}

h3 {
  font-size: 0.95rem;
  font-weight: 600;
  margin-bottom: 0.6rem;
}

.top {
  padding-top: 1.6rem;
}

.bar {
  display: flex;
  flex-wrap: wrap;
  gap: 0.5rem 1rem;
  align-items: center;
  justify-content: space-between;
}

.title {
  font-weight: 600;
  overflow-wrap: anywhere;
}

.tools {
  display: flex;
  gap: 0.5rem;
}

.lead {
  max-width: 46rem;
  font-size: 1.05rem;
  margin-bottom: 0.5rem;
  text-wrap: pretty;
}

.facts,
.how,
.aside,
.note,
.soft {
  color: var(--soft);
}

.facts {
  font-size: 0.87rem;
}

.how {
  max-width: 50rem;
  margin-top: 0.15rem;
  text-wrap: pretty;
}

.aside {
  font-size: 0.9rem;
  margin: 0.5rem 0;
}

.note {
  font-size: 0.8rem;
  font-variant-numeric: tabular-nums;
}

section {
  border-top: 1px solid var(--line);
  margin-top: 2.4rem;
  padding-top: 1.4rem;
}

section > header {
  margin-bottom: 1.3rem;
}

.group {
  margin-top: 1.6rem;
}

header + .group {
  margin-top: 0;
}

.multiples {
  display: grid;
  gap: 1.6rem 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
}

.multiples.small {
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr));
}

figure {
  min-width: 0;
}

figcaption {
  font-size: 0.87rem;
  overflow-wrap: anywhere;
  margin-bottom: 0.1rem;
}

.chart svg {
  display: block;
  max-width: 100%;
  height: auto;
}

.chart text {
  font-variant-numeric: tabular-nums;
}

.named {
  display: inline-flex;
  gap: 0.45rem;
  align-items: center;
  font-weight: 600;
  overflow-wrap: anywhere;
}

.swatch {
  width: 18px;
  height: 8px;
  flex: none;
}

.note .swatch {
  margin-left: 0.3rem;
}

.note .swatch:first-child {
  margin-left: 0;
}

button {
  font: inherit;
  font-size: 0.87rem;
  color: var(--ink);
  background: var(--raised);
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  padding: 0.3rem 0.75rem;
  cursor: pointer;
}

button:hover:not(:disabled) {
  border-color: var(--soft);
}

button:disabled {
  cursor: default;
  color: var(--soft);
}

:focus-visible {
  outline: 2px solid var(--run-0);
  outline-offset: 2px;
}

.switches:not(:empty) {
  position: sticky;
  top: 0;
  z-index: 2;
  background: var(--paper);
  margin: 0.9rem 0 -1.4rem;
  padding: 0.5rem 0;
}

.legend {
  display: flex;
  flex-wrap: wrap;
  gap: 0.4rem;
}

.legend button {
  display: inline-flex;
  gap: 0.5rem;
  align-items: center;
  font-variant-numeric: tabular-nums;
}

.legend button[aria-pressed="false"] {
  background: none;
  border-style: dashed;
  color: var(--soft);
  text-decoration: line-through;
}

.legend button[aria-pressed="false"] .swatch {
  opacity: 0.35;
}

.scroll {
  overflow-x: auto;
}

table {
  border-collapse: collapse;
  width: 100%;
  font-size: 0.9rem;
  font-variant-numeric: tabular-nums;
}

th,
td {
  text-align: left;
  padding: 0.42rem 0.9rem 0.42rem 0;
  border-bottom: 1px solid var(--line);
  vertical-align: baseline;
  white-space: nowrap;
}

thead th {
  color: var(--soft);
  font-weight: 500;
  font-size: 0.82rem;
  vertical-align: bottom;
  white-space: normal;
}

tbody th {
  font-weight: 500;
}

.number {
  text-align: right;
}

.tiles {
  display: flex;
  flex-wrap: wrap;
  gap: 2px;
}

.tiles img,
.mistakes img {
  image-rendering: pixelated;
  display: block;
}

.mistakes {
  list-style: none;
  display: grid;
  gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(7.2rem, 1fr));
  font-size: 0.85rem;
  font-variant-numeric: tabular-nums;
}

.mistakes.rows {
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr));
}

.mistakes dd {
  text-align: right;
}

.mistakes li {
  min-width: 0;
  overflow-wrap: anywhere;
}

.mistakes img {
  border-radius: 3px;
  margin-bottom: 0.35rem;
  max-width: 100%;
}

.mistakes dl {
  display: grid;
  grid-template-columns: 1fr minmax(3rem, auto);
  gap: 0 0.5rem;
  margin-bottom: 0.35rem;
  font-size: 0.8rem;
}

.mistakes dt {
  color: var(--soft);
}

.said {
  color: var(--wrong);
}

.truth {
  color: var(--right);
}

details {
  margin-top: 0.8rem;
}

details > :not(summary) {
  margin-top: 0.8rem;
}

summary {
  cursor: pointer;
  width: fit-content;
  color: var(--soft);
  font-size: 0.9rem;
}

summary .named {
  color: var(--ink);
}

pre,
code {
  font: 0.83rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}

pre {
  background: var(--raised);
  border-radius: 0.5rem;
  padding: 0.9rem 1rem;
  overflow: auto;
  max-height: 28rem;
}

.copyable {
  display: flex;
  gap: 0.5rem;
  align-items: stretch;
}

.copyable code {
  background: var(--raised);
  border-radius: 0.5rem;
  padding: 0.4rem 0.8rem;
  overflow-x: auto;
  white-space: nowrap;
  min-width: 0;
}

.copyable button {
  flex: none;
}

.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

.live {
  background: var(--raised);
  border-radius: 0.7rem;
  margin-top: 1.2rem;
  padding: 0.9rem 1.1rem 1rem;
}

.live .bar > p {
  font-weight: 600;
}

.live .multiples {
  margin-top: 0.9rem;
}

.live progress {
  appearance: none;
  display: block;
  width: 100%;
  height: 5px;
  border: 0;
  border-radius: 3px;
  overflow: hidden;
  background: var(--line);
  margin: 0.35rem 0;
}

.live progress::-webkit-progress-bar {
  background: var(--line);
}

.live progress::-webkit-progress-value {
  background: var(--colour);
}

.live progress::-moz-progress-bar {
  background: var(--colour);
}

.live .copyable {
  margin-top: 0.6rem;
}

.live .copyable code {
  background: var(--paper);
}

@media (max-width: 40rem) {
  section {
    margin-top: 2rem;
  }

  .multiples,
  .multiples.small {
    gap: 1.4rem;
  }

  .copyable {
    flex-wrap: wrap;
  }

  .copyable code {
    flex: 1 1 100%;
  }
}

@media print {
  :root {
    color-scheme: light !important;
    --paper: #fff;
    font-size: 12px;
  }

  @page {
    margin: 14mm;
  }

  body {
    padding: 0;
    max-width: none;
  }

  .tools,
  .copy,
  .live,
  .switches {
    display: none !important;
  }

  .multiples,
  .multiples.small {
    grid-template-columns: repeat(2, 330px);
    justify-content: space-between;
  }

  figure,
  section > header,
  .mistakes li,
  tr {
    break-inside: avoid;
  }

  h2,
  h3,
  section > header {
    break-after: avoid;
  }

  .scroll,
  pre,
  .copyable code {
    overflow: visible;
    max-height: none;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }

  th,
  td {
    white-space: normal;
    padding-right: 0.5rem;
  }

  * {
    print-color-adjust: exact;
    -webkit-print-color-adjust: exact;
  }
}
`;function l(e,t={},...n){let r=document.createElement(e);for(let[o,i]of Object.entries(t))i!==void 0&&i!==!1&&r.setAttribute(o,i===!0?"":String(i));return r.append(...n.filter(o=>o!==void 0&&o!==!1)),r}function O(e,t,n={}){let r=l("button",{type:"button",...n},e);return r.addEventListener("click",t),r}function Z(e,t){let n=O("Copy",async()=>{let r=await vt(e);n.textContent=r?"Copied":"Select it and press Ctrl-C",setTimeout(()=>n.textContent="Copy",2e3)},{"aria-label":t,class:"copy"});return l("div",{class:"copyable"},l("code",{tabindex:0},e),n)}async function vt(e){try{return await navigator.clipboard.writeText(e),!0}catch{let t=l("textarea",{class:"unseen"});t.value=e,document.body.append(t),t.select();let n=document.execCommand("copy");return t.remove(),n}}function A(e,t,n){let{caption:r,numbersFrom:o=1}=n,i=a=>a>=o?"number":void 0;return l("div",{class:"scroll",tabindex:0,role:"region","aria-label":r},l("table",{},l("caption",{class:"unseen"},r),l("thead",{},l("tr",{},...e.map((a,s)=>l("th",{scope:"col",class:i(s)},a)))),l("tbody",{},...t.map(a=>l("tr",{},...a.map((s,m)=>m===0?l("th",{scope:"row"},s):l("td",{class:i(m)},s)))))))}function h(e){if(e==null)return"–";let t=Math.abs(e);return t===0?"0":t>=1e6||t<1e-4?e.toExponential(2).replace("e+","e").replace("-","−"):oe(t>=1e3?e.toFixed(0):t>=100?e.toFixed(1):e.toPrecision(3))}function k(e){return oe(String(Number(e.toPrecision(6))))}function N(e){return`${k(e*100)} %`}function b(e,t=2){return e==null?"–":`${oe((e*100).toFixed(t))} %`}function L(e,t){return t?b(e):h(e)}function j(e,t){return e==null?"–":t?`${oe((e*100).toFixed(2))} points`:h(e)}function w(e){return String(e).replace(/\B(?=(\d{3})+$)/g," ")}function re(e,t){return`${w(e)} ${t}${e===1?"":"s"}`}function q(e){if(e===null)return"–";if(e<60)return`${e<10?e.toPrecision(2):e.toFixed(0)} s`;let t=Math.round(e);return t<3600?`${Math.floor(t/60)} min ${t%60} s`:`${Math.floor(t/3600)} h ${Math.floor(t%3600/60)} min`}function U(e,t){return e==null||t===null||t===void 0?null:e-t}function oe(e){return e.replace("-","−")}var Me=[void 0,"6 3","2 3","8 3 2 3"];function ae(e){let t=[...new Set(e.runs.map(({variant:r})=>r))],n=new Set;return e.runs.map(r=>{let o=t.indexOf(r.variant),i=!n.has(r.variant);return n.add(r.variant),{run:r,colour:`var(--run-${o%6})`,dash:Me[Math.floor(o/6)%Me.length],first:i}})}function X(e){return Map.groupBy(e,({run:t})=>t.variant)}function ie(e){let[{run:t}]=e;return e.length===1?t.name:`${t.variant}, ${e.length} seeds`}function z({history:e,bestEpoch:t}){return e.find(({epoch:n})=>n===t)??e.at(-1)}function V(e){let t=e.filter(n=>typeof n=="number");return t.length===0?null:t.reduce((n,r)=>n+r,0)/t.length}function Se(e){let t=e.filter(r=>typeof r=="number");if(t.length<2)return null;let n=V(t);return Math.sqrt(t.reduce((r,o)=>r+(o-n)**2,0)/(t.length-1))}function Ee({runs:e}){let{classification:t}=e[0],[n,r]=Te(e);if(n===void 0)return"No epoch is done yet.";let i=`${`${kt(e)?"mean ":""}${t?"test error":"root mean squared test error"}`} ${L(n.test,t)}`;if(r===void 0){let a=n.gap===null?"":`; the gap to training is ${j(n.gap,t)}`;return`${i[0].toUpperCase()}${i.slice(1)} ${Pe(e)}${a}.`}return r.test===n.test?`${n.name} and ${r.name} are level: ${i}.`:`${n.name} is ahead: ${i}, ${j(r.test-n.test,t)} below ${r.name}.`}function Le({runs:e}){let{classification:t}=e[0],n=Te(e),r=[];if(n.length>1){let i=Pe(e);r.push(`${i[0].toUpperCase()}${i.slice(1)}, the gap to training is ${$t(n,t)}.`)}let o=Map.groupBy(e.filter(({interrupted:i})=>i),({epochs:{done:i,of:a}})=>`stopped after ${re(i,"epoch")} of ${a}.`);for(let[i,a]of o){let s=a.map(({name:m})=>m);a.length===e.length?r.push(`Training was ${i}`):r.push(`${Re(s)} ${a.length===1?"was":"were"} ${i}`)}return r.join(" ")}function $t(e,t){let n=({name:i,gap:a})=>`${j(a,t)} for ${i}`,r=e.filter(({gap:i})=>i!==null);if(r.length<=3)return Re(r.map(n));let o=r.sort((i,a)=>i.gap-a.gap);return`from ${n(o[0])} to ${n(o.at(-1))}`}function Te(e){let t=[];for(let[n,r]of Map.groupBy(e,({variant:o})=>o)){let o=r.flatMap(s=>z(s)??[]),i=V(o.map(({testError:s})=>s)),a=V(o.map(({testError:s,trainError:m})=>U(s,m)));i!==null&&t.push({name:r.length===1?r[0].name:n,test:i,gap:a})}return t.sort((n,r)=>n.test-r.test)}function kt(e){return new Set(e.map(({variant:t})=>t)).size<e.length}function Pe(e){let t=e.flatMap(o=>z(o)?.epoch??[]),[n,r]=[Math.min(...t),Math.max(...t)];return`after ${n===r?re(r,"epoch"):`${n} to ${re(r,"epoch")}`}`}function Re(e){return e.length<2?e.join(""):`${e.slice(0,-1).join(", ")} and ${e.at(-1)}`}var Oe=12;function y(e,t,n,...r){return l("section",{id:e,"aria-labelledby":`${e}-title`},l("header",{},l("h2",{id:`${e}-title`},t),l("p",{class:"how"},n)),...r)}function M(e,t,n="medium"){let r=i=>l("div",{class:`multiples ${n}`},...i),o=t.slice(Oe);return l("div",{class:"group"},e!==void 0&&l("h3",{},e),r(t.slice(0,Oe)),o.length>0&&T(`${e??""}-more`,`${o.length} more`,r(o)))}function T(e,t,...n){return l("details",{"data-key":e},l("summary",{},t),...n)}function x({run:e,colour:t,dash:n}){return l("span",{class:"named"},ee(t,n),e.name)}function ee(e,t){let n=document.createElementNS("http://www.w3.org/2000/svg","svg");n.setAttribute("class","swatch"),n.setAttribute("viewBox","0 0 18 8"),n.setAttribute("aria-hidden","true");let r=document.createElementNS("http://www.w3.org/2000/svg","line");for(let[o,i]of Object.entries({x1:0,x2:18,y1:4,y2:4,"stroke-width":3}))r.setAttribute(o,String(i));return r.style.stroke=e,t!==void 0&&r.setAttribute("stroke-dasharray",t),n.append(r),n}function Ne(e,t,n){let r=X(e),o=[...r].map(([i,a])=>{let[{run:s,colour:m,dash:d}]=a,p=O("",()=>{t.has(i)?t.delete(i):t.size<r.size-1&&t.add(i),p.setAttribute("aria-pressed",String(!t.has(i))),n()},{"aria-pressed":String(!t.has(i)),"data-variant":i}),u=L(V(a.map(({run:f})=>z(f)?.testError)),s.classification);return p.append(ee(m,d),ie(a),l("span",{class:"soft"},u)),p});return l("nav",{class:"legend","aria-label":"Runs to show"},...o)}var Mt=600,St={training:"Training.",paused:"Paused: nothing is computed until you resume.",stopping:"Stopping after this step, with a checkpoint.",stopped:"Stopped, with a checkpoint. To go on:",failed:"Training has failed; the terminal says why.",done:"Done. This page stays as it is; the same is in report.html in the run’s folder."},Et="Nobody answers: training has ended, or its program was closed. What stands here is the last that was heard.",ue=class{box;#o=l("p",{class:"note"});#n=l("progress",{max:1,value:0});#r;#e=[];constructor(t,n){this.#n.setAttribute("aria-label",`Progress of ${t}`),this.#n.style.setProperty("--colour",n);let[r,o]=["svg","path"].map(i=>document.createElementNS("http://www.w3.org/2000/svg",i));for(let[i,a]of Object.entries({viewBox:"0 0 300 40",preserveAspectRatio:"none",width:"100%"}))r.setAttribute(i,a);r.setAttribute("height","40"),r.setAttribute("role","img"),r.setAttribute("aria-label",`Loss of ${t} as trained, since this page was opened`),this.#r=o;for(let[i,a]of Object.entries({fill:"none","vector-effect":"non-scaling-stroke"}))o.setAttribute(i,a);this.#r.style.stroke=n,this.#r.style.strokeWidth="1.5",r.append(o),this.box=l("div",{},l("p",{},l("b",{},t)),this.#n,this.#o,r)}show(t){let{epoch:n,epochs:r,step:o,steps:i,loss:a,error:s,speed:m,classification:d}=t,p=n===0?0:(n-1+o/i)/r;this.#n.value=p,this.#o.textContent=n===0?"has not begun":[`epoch ${n} of ${r}`,`step ${w(o)} of ${w(i)}`,`loss ${h(a)}`,`error ${d?b(s):h(s)}`,...m===null?[]:[`${w(Math.round(m))} examples/s`]].join(" · "),!(a===null||n===0||p<=(this.#e.at(-1)?.[0]??-1))&&(this.#e.push([p,a]),this.#e.length>Mt&&(this.#e=this.#e.filter((u,f)=>f%2===1)),this.#t())}#t(){let[t]=this.#e[0],[n]=this.#e.at(-1),r=this.#e.map(([,d])=>d),[o,i]=[Math.min(...r),Math.max(...r)],a=d=>300*(d-t)/(n-t||1),s=d=>38-36*(d-o)/(i-o||1),m=this.#e.map(([d,p])=>`${a(d).toFixed(1)},${s(p).toFixed(1)}`);this.#r.setAttribute("d",`M${m.join("L")}`)}},se=class{box;#o=l("p",{role:"status",id:"state"},"Connecting …");#n=l("div");#r=l("div",{class:"multiples"});#e=new Map;#t;#a;#s;#i="training";constructor(t,n){this.#s=n;let r=o=>{t(o).catch(()=>this.lost())};this.#t=O("Pause",()=>r(this.#i==="paused"?"resume":"pause"),{id:"pause"}),this.#a=O("Stop",()=>r("stop"),{id:"stop",title:"Ends training after its step with a checkpoint, as Ctrl-C does"}),this.box=l("section",{class:"live","aria-label":"Training now"},l("div",{class:"bar"},this.#o,l("div",{class:"tools"},this.#t,this.#a)),this.#n,this.#r)}show({state:t,runs:n,resume:r}){this.#i=t,this.#o.textContent=St[t],this.box.dataset.state=t,this.#t.textContent=t==="paused"?"Resume":"Pause",this.#t.disabled=t!=="training"&&t!=="paused",this.#a.disabled=this.#t.disabled,this.#n.replaceChildren(...r===void 0?[]:[Z(r,"Copy the command that goes on with training")]);for(let o of n)this.step(o)}step(t){let n=this.#e.get(t.name);n===void 0&&(n=new ue(t.name,this.#s(t.name)),this.#e.set(t.name,n),this.#r.append(n.box)),n.show(t)}lost(){["stopped","failed","done"].includes(this.#i)||(this.#o.textContent=Et,this.#t.disabled=this.#a.disabled=!0)}};var Lt=2e3;function He(e,t,n){let r=new URLSearchParams(location.search).get("token");if(r===null||location.protocol!=="http:")return;let o=f=>`${f}?token=${encodeURIComponent(r)}`,i=f=>fetch(o(f),{method:"POST"}).then(g=>g.text()),a=new se(i,n);t(a.box);let s=!1,m=!1,d=!1,p=async()=>{if(!d){if(s)return void(m=!0);s=!0;try{let f=await fetch(o("report.json")),g=f.ok?await f.json():void 0;g!==void 0&&!d&&e(g)}catch{a.lost()}s=!1,m&&(m=!1,setTimeout(p,Lt/2))}},u=new EventSource(o("events"));u.addEventListener("progress",({data:f})=>a.show(JSON.parse(f))),u.addEventListener("run",({data:f})=>a.step(JSON.parse(f))),u.addEventListener("report",p),u.addEventListener("end",({data:f})=>{u.close(),d=!0;let{progress:g,report:J}=JSON.parse(f);a.show(g),J!==void 0&&e(J)}),u.addEventListener("error",()=>a.lost())}var te=C(H());var Y=C(H());var Tt=330,fe=new WeakMap,Pt=new ResizeObserver(e=>{for(let{target:t,contentRect:n}of e)n.width>0&&fe.get(t)?.(n.width)});addEventListener("beforeprint",()=>Ae(()=>Tt));addEventListener("afterprint",()=>Ae(({clientWidth:e})=>e));function Ae(e){for(let t of document.querySelectorAll(".chart"))e(t)>0&&fe.get(t)?.(e(t))}function $(e,t,n){let r=l("div",{class:"chart"});return t.heightOf===void 0&&(r.style.minHeight=`${t.height??170}px`),fe.set(r,o=>{r.dataset.width!==String(Math.round(o))&&(r.dataset.width=String(Math.round(o)),r.replaceChildren(Rt(t,Math.round(o))))}),Pt.observe(r),l("figure",{},e&&l("figcaption",{},e),r,n)}function Rt({marks:e,label:t,options:n={},height:r=170,heightOf:o},i){let a=Y.plot({width:i,height:o?.(i)??r,marginLeft:44,marginRight:14,marginTop:12,marginBottom:30,...n,marks:e,style:{fontFamily:"inherit",fontSize:"11px",background:"none",color:"var(--soft)",overflow:"visible"}});a.setAttribute("role","img");for(let s of a.querySelectorAll("[aria-label]"))s.removeAttribute("aria-label");return a.setAttribute("aria-label",t),a}function E(e,t,n=4){return[Y.gridY({stroke:"var(--line)",strokeOpacity:1,ticks:n}),Y.axisY({label:e,labelAnchor:"top",labelArrow:"none",ticks:n,tickSize:0,tickFormat:r=>t(r)})]}function W(e,t=String,n=5){return[Y.axisX({label:e,labelAnchor:"right",labelArrow:"none",ticks:n,tickSize:3,tickFormat:r=>t(r),stroke:"var(--line)",color:"var(--soft)"})]}function _(){return W("epoch",e=>Number.isInteger(e)?String(e):"")}function he(e){let t=Math.max(0,...e.map(({length:o})=>o)),n=t>=6?Math.ceil(t/10):0,r=e.flatMap(o=>o.slice(n)).filter(o=>o!==null);return(r.length===0?1:r.reduce((o,i)=>Math.max(o,i),0)*1.08)||1}var B=C(H());function le({run:e,colour:t,dash:n},r,o,i){let a=r.map((m,d)=>({epoch:m,value:o[d]??NaN})),s=a.filter(({value:m})=>Number.isFinite(m));return[B.lineY(a,{x:"epoch",y:"value",stroke:t,strokeDasharray:n,strokeWidth:1.8,clip:!0}),s.length===1?B.dot(s,{x:"epoch",y:"value",fill:t,r:3.5}):null,B.tip(s,B.pointer({x:"epoch",y:"value",title:m=>`${e.name}
epoch ${m.epoch}: ${i(m.value)}`}))]}function G(e,t,n){let{label:r,text:o,tick:i,domain:a,more:s=[],below:m}=n;return $(e,{marks:[...E(null,i),..._(),...s,...t.flatMap(({shown:d,values:p})=>le(d,d.run.observed,p,o))],label:r,options:a===void 0?{y:{zero:!0}}:{y:{domain:a}}},m)}function P(e){return e.findLast(t=>t!==null)??null}function Ve({runs:e}){let t=e.flatMap(i=>i.run.layers.map(a=>({shown:i,layer:a})));if(t.length===0)return;let n=[...Map.groupBy(t,({layer:i})=>i.path).entries()],r={text:i=>b(i,1),tick:N},o=n.map(([i,a])=>{let[{layer:s}]=a,m=u=>a.map(({shown:f,layer:g})=>({shown:f,values:g[u]})),d=u=>a.map(({shown:f,layer:g})=>`${f.run.name} ends with ${b(P(g[u]),1)}`).join(", "),p=Math.max(.02,...a.flatMap(({layer:u})=>u.dead.map(f=>f??0)));return M(`${s.plugin} at ${i}, ${s.units} units`,[...Ot(a),G("active share",m("active"),{label:`Share of outputs above 0 over the epochs: ${d("active")}`,...r}),G("dead units",m("dead"),{label:`Share of units that are never above 0, over the epochs: ${d("dead")}`,...r,domain:[0,Math.min(1,p*1.2)]})],"small")});return y("activations","What units put out","Outputs without dropout on a fixed sample; thin lines are the first epoch. Nets trained with dropout are sparse: few units are active at a time, and none should be dead, 0 for every example.",...o)}function Ot(e){let t=e.filter(({layer:r})=>r.histograms.length>0);if(t.length===0)return[];let n=t.map(({shown:r,layer:o})=>{let i=o.histograms.at(-1),a=i.zeros+i.outputs.counts.reduce((s,m)=>s+m,0);return`${t.length>1?`${r.run.name}: `:""}${b(i.zeros/a,0)} are 0`});return[je("outputs above 0",t,"outputs",n.slice(0,6).join("; ")),je("mean output of each unit",t,"means")]}function je(e,t,n,r){let o=t.flatMap(({shown:{colour:a,dash:s},layer:{histograms:m}})=>{let d=ze(m.at(-1)[n]);return[t.length===1?te.areaY(d,{x:"at",y:"share",fill:a,fillOpacity:.14,curve:"step-after"}):null,m.length>1?te.lineY(ze(m[0][n]),{x:"at",y:"share",stroke:a,strokeWidth:.8,strokeOpacity:.8,curve:"step-after"}):null,te.lineY(d,{x:"at",y:"share",stroke:a,strokeWidth:1.8,strokeDasharray:s,curve:"step-after"})]}),i=t.map(({shown:a,layer:s})=>`${a.run.name} up to ${h(s.histograms.at(-1)[n].to)}`);return $(e,{marks:[...E(null,()=>"",3),...W(null,k,4),...o],label:`Histogram of ${e} at the last epoch: ${i.join(", ")}`,options:{y:{zero:!0},marginLeft:14}},r===void 0?void 0:l("p",{class:"note"},r))}function ze({from:e,to:t,counts:n}){let r=n.reduce((a,s)=>a+s,0)||1,o=(t-e)/n.length,i=n.map((a,s)=>({at:e+s*o,share:a/r/o}));return[...i,{at:t,share:i.at(-1)?.share??0}]}function We({runs:e}){return y("again","What was trained, and how to do it again","The command trains with the same data, seed and order of numbers; on the same backend it ends with the same bits.",...e.map(Nt))}function Nt(e){let{run:t}=e,{name:n,dataset:r,config:o,command:i,resume:a,model:s}=t,m=[`${w(r.train)} to train`,...r.validation>0?[`${w(r.validation)} to validate`]:[],`${w(r.test)} to test`],d=`${r.name}: ${m.join(", ")}, each ${r.shape.join(" × ")}; ${w(t.parameters)} parameters; ${w(t.batchSize)} examples a step; seed ${t.seed}.`;return l("div",{class:"group"},l("h3",{},x(e)),l("p",{class:"aside"},t.description!==void 0&&`${t.description} `,d),Z(i,`Copy the command that trains ${n}`),a!==void 0&&l("p",{class:"aside"},"It was stopped. To go on:"),a!==void 0&&Z(a,`Copy the command that goes on with ${n}`),T(`model-${n}`,`Model: ${s.filter(({path:p})=>p!=="").length} parts`,Ht(s,n)),T(`config-${n}`,"Configuration",l("pre",{tabindex:0},JSON.stringify(o,null,2))))}function Ht(e,t){let n=e.map(({path:r,plugin:o,site:i,shape:a,parameters:s})=>[r===""?"model":r,o,i??"",a.length===0?"–":a.join(" × "),s===0?"–":w(s)]);return A(["place","plugin","site","output","parameters"],n,{caption:`The model of ${t}`,numbersFrom:3})}var R=C(H());var Ct=10;function _e({runs:e}){let t=e.filter(({run:i,first:a})=>a&&i.reliability!==void 0);if(t.length===0)return;let n=t.some(({run:i})=>i.uncertainty!==void 0),r=t.flatMap(i=>{let{reliability:a,uncertainty:s}=i.run;return[De(x(i),"dropout off",a),...s===void 0?[]:[De(x(i),`mean of ${s.passes} passes`,s)]]}),o=["run","predicted","error","log-likelihood, negative","Brier score","calibration error","too sure by"];return y("reliability","How sure it is, and how right",`Answers by how sure the net was: on the diagonal it is right as often as it says, below it is too sure.${n?" Filled dots are the net without dropout, rings the mean of passes with dropout on.":""} Larger dots hold more examples.`,l("div",{class:"multiples medium"},...t.map(At)),A(o,r,{caption:"Scores of the probabilities",numbersFrom:2}))}function De(e,t,n){return[e,t,b(n.error),h(n.negativeLogLikelihood),h(n.brierScore),b(n.expectedError),n.overconfidence===null?"–":`${b(n.overconfidence).replace("%","points")}`]}function At(e){let{reliability:t,uncertainty:n,name:r}=e.run,o=({bins:d})=>d.filter(({count:p})=>p>0),i=({bins:d})=>d.filter(({count:p})=>p>=Ct),a=({examples:d})=>p=>3+9*Math.sqrt(p.count/Math.max(1,d)),s=d=>p=>`${d}: sure ${b(p.confidence,1)}, right ${b(p.accuracy,1)}, ${w(p.count)} examples`,m=[R.line([[0,0],[1,1]],{stroke:"var(--soft)",strokeDasharray:"2 3",strokeOpacity:.8}),R.line(i(t),{x:"confidence",y:"accuracy",stroke:e.colour,strokeWidth:1.2}),R.dot(o(t),{x:"confidence",y:"accuracy",fill:e.colour,fillOpacity:.75,r:a(t),title:s("dropout off")}),...n===void 0?[]:[R.line(i(n),{x:"confidence",y:"accuracy",stroke:"var(--ink)",strokeWidth:1,strokeDasharray:"4 3"}),R.dot(o(n),{x:"confidence",y:"accuracy",stroke:"var(--ink)",strokeWidth:1.2,r:a(n),title:s(`mean of ${n.passes} passes`)})]];return $(x(e),{marks:[...E("right",N),...W("sure",N),...m],label:`Reliability diagram of ${r}: expected calibration error ${b(t.expectedError)}`,heightOf:d=>Math.min(d,360),options:{x:{domain:[0,1]},y:{domain:[0,1]},r:{type:"identity"},marginTop:24}})}function Be({runs:e}){let t=e.filter(({run:n,first:r})=>r&&n.uncertainty!==void 0);if(t.length!==0)return y("uncertainty","Whether it knows what it does not know","The entropy of the mean over passes with dropout on, in nats: 0 is sure. Wrong answers should lie further to the right than right ones; each shape has the same area.",M(void 0,t.map(jt)))}function jt(e){let{right:t,wrong:n,passes:r,entropy:o,mutualInformation:i}=e.run.uncertainty,s=[["right",t,"var(--right)"],["wrong",n,"var(--wrong)"]].flatMap(([,d,p])=>[R.areaY(Ye(d),{x:"at",y:"share",fill:p,fillOpacity:.2,curve:"step-after"}),R.lineY(Ye(d),{x:"at",y:"share",stroke:p,strokeWidth:1.6,curve:"step-after"})]),m=({counts:d})=>d.reduce((p,u)=>p+u,0);return $(x(e),{marks:[...E(null,N,3),...W("entropy, nats",k),...s],label:`Entropy of ${w(m(t))} right and ${w(m(n))} wrong answers of ${e.run.name}`,options:{y:{zero:!0}}},l("p",{class:"note"},l("b",{class:"truth"},"right"),` ${w(m(t))}, `,l("b",{class:"said"},"wrong"),` ${w(m(n))}; ${r} passes; mean entropy ${h(o)}, of which the masks’ ${h(i)}`))}function Ye({from:e,to:t,counts:n}){let r=n.reduce((a,s)=>a+s,0)||1,o=(t-e)/n.length,i=n.map((a,s)=>({at:e+s*o,share:a/r}));return[...i,{at:t,share:i.at(-1)?.share??0}]}var F=C(H());var zt=12;function Fe({runs:e}){let t=e.filter(({run:n,first:r})=>r&&n.confusion!==void 0);if(t.length!==0)return y("confusion","What is taken for what","A row for each true class, a column for each answer, test part. The diagonal is right; the stronger a cell beside it, the more often that mistake is made.",l("div",{class:"multiples medium"},...t.map(Vt)))}function Vt(e){let{confusion:t,dataset:n}=e.run,{counts:r}=t,o=r.map((c,v)=>n.classes[v]??String(v)),i=r.flatMap((c,v)=>{let D=c.reduce((ne,ce)=>ne+ce,0);return c.map((ne,ce)=>({truth:v,said:ce,n:ne,share:D===0?0:ne/D}))}),a=i.filter(({truth:c,said:v,n:D})=>c!==v&&D>0).sort((c,v)=>v.n-c.n),s=Math.max(1e-9,...a.map(({share:c})=>c)),m=({truth:c,said:v,share:D})=>c===v?0:Math.sqrt(D/s),d=a.slice(0,3).map(({truth:c,said:v,n:D})=>`${o[c]} taken for ${o[v]} (${D}×)`),p=Math.max(...o.map(({length:c})=>c)),u=Math.min(110,18+p*6.2),f=Math.ceil(o.length/(o.length>24?14:24)),g=o.length>40?0:.04,J=o.map((c,v)=>v).filter(c=>c%f===0),Q=p>2&&o.length>5;return $(x(e),{label:`Confusion matrix of ${e.run.name}; most often ${d.join(", ")||"nothing was wrong"}`,heightOf:c=>Math.min(c,420)+(Q?u-30:0),options:{marginLeft:u,marginTop:Q?u:36,marginBottom:6,marginRight:4,x:{domain:o.map((c,v)=>v),padding:g},y:{domain:o.map((c,v)=>v),padding:g}},marks:[F.axisX({anchor:"top",ticks:J,tickSize:0,tickFormat:c=>o[c],tickRotate:Q?-60:0,label:"said",labelAnchor:"left",labelArrow:"none"}),F.axisY({ticks:J,tickSize:0,tickFormat:c=>o[c],label:null}),F.cell(i,{x:"said",y:"truth",fill:c=>c.truth===c.said?"var(--right)":"var(--wrong)",fillOpacity:c=>c.truth===c.said?.12+.25*c.share:m(c),title:c=>`${o[c.truth]} taken for ${o[c.said]}: ${c.n} (${b(c.share,1)})`}),o.length<=zt?F.text(i.filter(({n:c})=>c>0),{x:"said",y:"truth",text:({n:c})=>String(c),fill:c=>m(c)>.7?"var(--paper)":"var(--ink)",fontSize:10}):null]},d.length>0&&l("p",{class:"note"},`Most often: ${d.join(", ")}.`))}function Ie({runs:e}){let t=e.filter(({run:n,first:r})=>r&&n.features!==void 0);if(t.length!==0)return y("features","What the first layer looks for","Each tile is the weights into one unit; middle grey is zero. Dropout makes units stand on their own: strokes and spots rather than noise that only makes sense together.",l("div",{class:"multiples medium"},...t.map(Wt)))}function Wt(e){let{name:t,units:n,width:r,height:o,tiles:i}=e.run.features,a=r<=16?2:1,s=i.length<n?`the first ${i.length} of ${w(n)} units`:`${n} units`;return l("figure",{},l("figcaption",{},x(e),l("span",{class:"soft"},` · ${t}, ${s}`)),l("div",{class:"tiles",role:"img","aria-label":`Weights ${t} of ${e.run.name} as images, a tile for each unit`},...i.map(m=>l("img",{src:m,alt:"",width:r*a,height:o*a}))))}var S=C(H());function qe({runs:e,several:t}){if(e.every(({run:m})=>m.history.length===0))return;let{classification:n}=e[0].run,r={name:"error",of:(m,d)=>m[`${d}Error`],text:m=>L(m,n),tick:n?N:k},o={name:"loss",of:(m,d)=>m[`${d}Loss`],text:h,tick:k},i=[...X(e).values()],a=Yt(e,n),s="Solid is the test part, dashed the training part, both with dropout off; the shaded space is the gap that dropout is there to close.";if(!t){let[m]=i;return y("learning","Learning",s,M(void 0,[ge(m,r),ge(m,o),a]))}return y("learning","Learning",s,M("Side by side",[Je(e,r),Je(e,o),a]),...[r,o].map(m=>{let d=Ue(e,m),p=`${m.name[0].toUpperCase()}${m.name.slice(1)} of train and test`;return M(p,i.map(u=>ge(u,m,d,Dt(u))))}))}function Dt(e){let[t]=e;return x({...t,run:{...t.run,name:ie(e)}})}function ge(e,t,n=Ue(e,t),r){let o=.14/Math.sqrt(e.length),i=e.flatMap(({run:d,colour:p})=>{let u=d.history.map(g=>({epoch:g.epoch,train:t.of(g,"train"),test:t.of(g,"test"),validation:t.of(g,"validation")})),f=u.length===1;return[S.areaY(u,{x:"epoch",y1:"train",y2:"test",fill:p,fillOpacity:o,clip:!0}),S.lineY(u,{x:"epoch",y:"train",stroke:p,strokeDasharray:"4 3",strokeWidth:1.4,clip:!0}),S.lineY(u,{x:"epoch",y:"test",stroke:p,strokeWidth:2,clip:!0}),u.some(({validation:g})=>typeof g=="number")?S.lineY(u,{x:"epoch",y:"validation",stroke:"var(--soft)",strokeWidth:1,clip:!0}):null,f?S.dot(u,{x:"epoch",y:"test",fill:p,r:3.5}):null,f?S.dot(u,{x:"epoch",y:"train",stroke:p,r:3.5}):null,S.tip(u,S.pointerX({x:"epoch",y:"test",title:g=>[`epoch ${g.epoch}`,`test ${t.text(g.test)}`,`train ${t.text(g.train)}`,...typeof g.validation=="number"?[`validation ${t.text(g.validation)}`]:[]].join(`
`)}))]}),[{run:a}]=e,s=a.history.at(-1),m=d=>s===void 0?"–":t.text(t.of(s,d)??NaN);return $(r??t.name,{marks:[...E(null,t.tick),..._(),...i],label:`${a.name}: ${t.name} over the epochs, ending with ${m("train")} in training and ${m("test")} in test`,options:{y:{domain:[0,n]}},height:200})}function Je(e,t){let n=r=>r.run.history.map(o=>t.of(o,"test")??null);return $(`test ${t.name}`,{marks:[...E(null,t.tick),..._(),...e.map(r=>le(r,r.run.history.map(({epoch:o})=>o),n(r),t.text))].flat(),label:`Test ${t.name} of all runs over the epochs`,options:{y:{domain:[0,he(e.map(n))]}},height:200})}function Yt(e,t){let n=({run:o})=>o.history.map(({testError:i,trainError:a})=>U(i,a));return $(t?"gap, in points":"gap",{marks:[...E(null,o=>k(t?o*100:o)),..._(),S.ruleY([0],{stroke:"var(--soft)",strokeOpacity:.6}),...e.flatMap(o=>le(o,o.run.history.map(({epoch:i})=>i),n(o),i=>j(i,t)))],label:`Test error less train error over the epochs: ${e.map(({run:o})=>`${o.name} ends with ${L(n({run:o}).at(-1),t)}`).join(", ")}`,height:200})}function Ue(e,{of:t}){return he(e.flatMap(({run:n})=>["train","test"].map(r=>n.history.map(o=>t(o,r)??null))))}var Xe=12;function Ge({runs:e}){let t=e.filter(({run:n,first:r})=>r&&(n.mistakes?.length??0)>0);if(t.length!==0)return y("mistakes","The worst mistakes",t[0].run.classification?"Test examples on which a net was most surely wrong. Ask of each whether you would have known, and whether its label is right.":"Test examples on which a net was furthest from the truth. Ask of each what sets it apart.",...t.map(_t))}function _t(e){let{name:t,mistakes:n=[]}=e.run,r=n.some(({row:a})=>a!==void 0)?"mistakes rows":"mistakes",o=a=>l("ul",{class:r},...a.map(Bt)),i=n.slice(Xe);return l("div",{class:"group"},l("h3",{},x(e)),o(n.slice(0,Xe)),i.length>0&&T(`mistakes-${t}`,`${i.length} more`,o(i)))}function Bt(e){let{example:t,image:n,size:r,row:o,truth:i,said:a,probability:s,truthProbability:m,loss:d}=e,[p,u]=r??[28,28],f=Math.max(1,Math.round(84/Math.max(p,u))),g=s===void 0?"":` (${b(s,1)})`,J=`test example ${t}; loss ${h(d)}`+(m===void 0?"":`; ${b(m)} for ${i}`);return l("li",{title:J},n!==void 0&&l("img",{src:n,alt:`test example ${t}`,width:p*f,height:u*f}),o!==void 0&&l("dl",{},...o.flatMap(([Q,c])=>[l("dt",{},Q),l("dd",{},c)])),l("p",{},"said ",l("b",{class:"said"},a),g),l("p",{},"is ",l("b",{class:"truth"},i)))}function Ke({runs:e}){let t=e.filter(({run:n})=>n.history.length>0);if(t.length!==0)return y("numbers","Every epoch in numbers","The lines of metrics.jsonl. “As trained” is measured while learning, with dropout on; the rest with dropout off.",...t.map(Ft))}function Ft(e){let{name:t,history:n,classification:r}=e.run,o=n.some(({validationError:d})=>d!==void 0),i=d=>L(d,r),a=[["test error","testError",i],["train error","trainError",i],...o?[["validation error","validationError",i]]:[],["as trained","runningError",i],["test loss","testLoss",h],["train loss","trainLoss",h],["loss as trained","runningLoss",h],["seconds","seconds",d=>q(d??null)],["ms a step","stepMs",h]],s=n.map(d=>[String(d.epoch),...a.map(([,p,u])=>l("data",{value:d[p]??void 0,"data-name":p,title:d[p]??void 0},u(d[p])))]),m=T(`numbers-${t}`,t,A(["epoch",...a.map(([d])=>d)],s,{caption:`Metrics of ${t}`}));return m.querySelector("summary").replaceChildren(x(e)),m.dataset.run=t,m}var I=C(H());function Ze({runs:e}){let t=e.flatMap(a=>a.run.sites.map(s=>({shown:a,site:s}))),n=t.filter(({site:a})=>[...a.asked,...a.realised].some(s=>s!==null)),r=t.filter(a=>!n.includes(a));if(t.length===0)return;let o=[...Map.groupBy(n,({site:a})=>a.path).values()].map(It),i=[...new Set(r.map(({site:a})=>`${a.variant} at ${a.path}`))];return y("rates","Dropout rates","Lines are the rates that were asked for, as they stood, were scheduled or were learned; dots are the shares that were really dropped. Dots should sit on their line.",M(void 0,o,"small"),i.length>0&&l("p",{class:"aside"},`Without a rate to draw: ${i.join(", ")}.`))}function It(e){let[{site:t}]=e,n=[...new Set(e.map(({site:s})=>s.variant))],r=e.flatMap(({shown:{run:s,colour:m,dash:d},site:p})=>{let u=s.observed.map((f,g)=>({epoch:f,asked:p.asked[g]??NaN,realised:p.realised[g]??NaN}));return[I.lineY(u,{x:"epoch",y:"asked",stroke:m,strokeWidth:1.6,strokeDasharray:d}),I.dot(u,{x:"epoch",y:"realised",fill:m,r:2.6}),I.tip(u,I.pointer({x:"epoch",y:f=>Number.isFinite(f.realised)?f.realised:f.asked,title:f=>`${s.name}, epoch ${f.epoch}
asked ${h(Qe(f.asked))}
dropped ${h(Qe(f.realised))}`}))]}),o=e.flatMap(({site:s})=>[...s.asked,...s.realised]).reduce((s,m)=>Math.max(s,m??0),0),i=e.map(({shown:{run:s},site:m})=>`${s.name} asked for ${h(P(m.asked))} and dropped ${h(P(m.realised))}`),a=l("span",{},l("b",{},n.join(", ")),` at ${t.path===""?"the model":t.path}`,l("span",{class:"soft"},` · ${t.role}`));return $(a,{marks:[...E(null,k),..._(),...r],label:`Dropout rate at ${t.path} over the epochs; at the end, ${i.join("; ")}`,options:{y:{domain:[0,Math.min(1,Math.max(.1,o*1.25))]}},height:150},l("p",{class:"note"},...e.slice(0,6).flatMap(({shown:s,site:m})=>[ee(s.colour,s.dash),` ${h(P(m.asked))} asked, ${h(P(m.realised))} dropped `])))}function Qe(e){return Number.isFinite(e)?e:null}function tt({data:e,runs:t}){let n=t.some(({run:d})=>z(d)?.validationError!==void 0),r=["run","test error","train error","gap",...n?["validation error"]:[],"test loss","epochs","parameters","a step","training time"],o=e.runs[0].classification?"Error is the share of wrong classes, measured with dropout off; the gap is test less train.":"Error is the root of the mean squared difference, measured with dropout off; the gap is test less train.",i=t.map(d=>qt(d,n)),a=A(r,i,{caption:"Results of the runs"}),s=[...X(t).values()];if(s.length===t.length)return y("results","Results",o,a);let m=["variant","seeds","test error","train error","gap","test loss","a step"];return y("results","Results",`${o} Means over seeds, and their standard deviation.`,A(m,s.map(Jt),{caption:"Means of the variants"}),T("each-run",`Each of the ${t.length} runs`,a))}function Jt(e){let[{run:t}]=e,n=e.map(({run:i})=>z(i)),r=(i,a)=>{let s=Se(i),m=a(V(i));return s===null?m:`${m.replace(/\u00a0.*$/,"")} ± ${a(s)}`},o=i=>L(i,t.classification);return[x({...e[0],run:{...t,name:t.variant}}),String(e.length),r(n.map(i=>i?.testError),o),r(n.map(i=>i?.trainError),o),r(n.map(i=>U(i?.testError,i?.trainError)),i=>j(i,t.classification)),r(n.map(i=>i?.testLoss),h),`${h(V(e.map(({run:i})=>i.time.stepMs)))} ms`]}function qt(e,t){let{run:n}=e,r=z(n),o=a=>et(a,L(a,n.classification)),i=n.bestEpoch===void 0?"":` (best: ${n.bestEpoch})`;return[x(e),o(r?.testError),o(r?.trainError),j(U(r?.testError,r?.trainError),n.classification),...t?[o(r?.validationError)]:[],et(r?.testLoss,h(r?.testLoss)),`${n.epochs.done} of ${n.epochs.of}${i}`,w(n.parameters),n.time.stepMs===null?"–":`${h(n.time.stepMs)} ms`,q(n.time.steps)]}function et(e,t){return l("data",{value:e??void 0,title:e??void 0},t)}var K=C(H());var nt=[["steps",1],["evaluation",.5],["recording",.25]];function rt({runs:e}){if(e.every(({run:a})=>a.time.steps===0))return;let t=e.flatMap(({run:a,colour:s})=>nt.flatMap(([m,d])=>{let p=a.time[m];return p===null||p===0?[]:[{name:a.name,part:m,seconds:p,colour:s,shade:d}]})),n=Math.max(...e.map(({run:a})=>a.name.length)),r=e.map(({run:a})=>`${a.name} took ${nt.map(([s])=>`${q(a.time[s])} for ${s}`).join(", ")}`),o=54+26*e.length,i=e.filter(({run:a,first:s})=>s&&(a.time.kernels?.length??0)>0);return y("time","Where the time went","Strong is training, paler is measuring on train and test, palest is recording for this page.",$(void 0,{marks:[...W("seconds",k),K.axisY({label:null,tickSize:0}),K.barX(t,{x:"seconds",y:"name",fill:"colour",fillOpacity:"shade",insetTop:4,insetBottom:4,title:({name:a,part:s,seconds:m})=>`${a}: ${s} ${q(m)}`})],label:`Where the time went: ${r.join("; ")}`,options:{y:{domain:e.map(({run:a})=>a.name)},marginLeft:Math.min(160,16+n*6.5)},height:o}),i.length>0&&M("What a step's passes are made of, forward and back",i.map(Ut)),l("p",{class:"aside"},[...new Set(e.flatMap(({run:a})=>a.backend??[]))].map(a=>`Computed by ${a}.`).join(" ")))}function Ut(e){let t=e.run.time.kernels.slice(0,10),n=Math.max(...t.map(({kind:r})=>r.length));return $(x(e),{marks:[...W("ms a step",k),K.axisY({label:null,tickSize:0}),K.barX(t,{x:"ms",y:"kind",fill:e.colour,fillOpacity:.8,insetTop:3,insetBottom:3,title:({kind:r,ms:o})=>`${r}: ${h(o)} ms`})],label:`Kernels of a step of ${e.run.name}: ${t.map(({kind:r,ms:o})=>`${r} ${h(o)} ms`).join(", ")}`,options:{y:{domain:t.map(({kind:r})=>r)},marginLeft:Math.min(170,16+n*6.5)},height:46+22*t.length})}var at=C(H());function it({runs:e}){let t=e.flatMap(a=>a.run.weights.map(s=>({shown:a,weight:s})));if(t.length===0)return;let n=a=>[...Map.groupBy(a,({weight:s})=>s.name).values()],r=n(t.filter(({weight:a})=>a.shape.length>1)),o=n(t.filter(({weight:a})=>a.shape.length<=1)),i=n(t.filter(({weight:a})=>a.maxNorm!==void 0));return y("weights","Weights","The Euclidean norm of each parameter: one that only grows asks for weight decay or a norm constraint. With max-norm, the share of units that are at their limit: where many are, it is at work.",r.length>0&&M("Norms",r.map(ot),"small"),i.length>0&&M("Units at the limit of max-norm",i.map(Xt),"small"),o.length>0&&T("vectors",`Biases and other vectors (${o.length})`,M(void 0,o.map(ot),"small")))}function ot(e){let[{weight:t}]=e;return G(`${t.name} · ${t.shape.join(" × ")}`,e.map(({shown:n,weight:r})=>({shown:n,values:r.norm})),{label:`Norm of ${t.name} over the epochs: ${e.map(({shown:n,weight:r})=>`${n.run.name} ends with ${h(P(r.norm))}`).join(", ")}`,text:h,tick:k})}function Xt(e){let[{weight:t}]=e,n=[...new Set(e.map(({weight:r})=>h(P(r.maxNorm.limit))))];return G(`${t.name}, at most ${n.join(" or ")}`,e.map(({shown:r,weight:o})=>({shown:r,values:o.maxNorm.hits})),{label:`Share of units of ${t.name} that are at the limit of max-norm: ${e.map(({shown:r,weight:o})=>`${r.run.name} ends with ${b(P(o.maxNorm.hits),1)}`).join(", ")}`,text:r=>b(r,1),tick:N,domain:[0,1],more:[at.ruleY([1],{stroke:"var(--line)"})]})}var me=["auto","light","dark"],st="thinned-theme";function lt(){let e=me.find(r=>r===Gt())??"auto",t=()=>{document.documentElement.style.colorScheme=e==="auto"?"":e,n.textContent=`Theme: ${e}`},n=O("",()=>{e=me[(me.indexOf(e)+1)%me.length];try{localStorage.setItem(st,e)}catch{}t()},{id:"theme"});return t(),n}function Gt(){try{return localStorage.getItem(st)}catch{return null}}var Kt=[tt,qe,Ze,Ie,Ve,it,Fe,Ge,_e,Be,rt,We,Ke],de=new Set,pe=new Set,ye=l("h1",{}),dt=l("p",{class:"lead"}),pt=l("p",{class:"facts"}),we=l("div",{class:"switches"}),be=l("main",{});function ct(e){let t=ae(e),n=new Set(t.map(({run:r})=>r.variant));for(let r of de)n.has(r)||de.delete(r);ye.textContent=Ee(e),dt.textContent=Le(e),pt.textContent=Qt(e),document.title=`${e.title}: ${ye.textContent}`,we.replaceChildren(...n.size>1?[Ne(t,de,()=>mt(e))]:[]),mt(e)}function mt(e){let t=ae(e).filter(({run:r})=>!de.has(r.variant)),n={data:e,runs:t,several:e.runs.length>1};be.replaceChildren(...Kt.map(r=>r(n)).filter(r=>r!==void 0));for(let r of be.querySelectorAll("details"))r.open=pe.has(r.dataset.key),r.addEventListener("toggle",()=>{xe||(r.open?pe.add(r.dataset.key):pe.delete(r.dataset.key))})}function Qt({runs:e,madeAt:t,madeBy:n}){let r=[...new Set(e.map(({dataset:a})=>a.name))].join(", "),o=[...new Set(e.flatMap(({backend:a})=>a??[]))].join("; "),i=new Date(t).toLocaleString("en-GB",{dateStyle:"long",timeStyle:"short"});return[r,o,n,i].filter(a=>a!=="").join(" · ")}var xe=!1;addEventListener("beforeprint",()=>{xe=!0;for(let e of document.querySelectorAll("details"))e.open=!0});addEventListener("afterprint",()=>{for(let e of document.querySelectorAll("details"))e.open=pe.has(e.dataset.key);setTimeout(()=>xe=!1)});var ve=JSON.parse(document.getElementById("report-data").textContent);document.head.append(l("style",{},ke));var Zt=l("div",{class:"tools"},lt(),O("Print",()=>print(),{id:"print"}));document.body.append(l("header",{class:"top"},l("div",{class:"bar"},l("p",{class:"title"},ve.title),Zt),ye,dt,pt),we,be);ct(ve);He(ct,e=>we.before(e),e=>ae(ve).find(({run:t})=>t.name===e)?.colour??"var(--run-0)");})();
