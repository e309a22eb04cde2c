import { executorsEnd } from './report-text.ts';
import type { ReplayReport } from './run-replay.ts';
import type { TimelineEntry } from './timeline.ts';

const STYLE = `
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#1c2024;background:#fff}
h1{font-size:1.3rem;margin:0}p{margin:.3rem 0 1rem;color:#60646c}
.verdict{display:inline-block;padding:.2rem .7rem;border-radius:4px;font-weight:600}
.good{background:#e0f5e5;color:#10622b}.wrong{background:#fde5e4;color:#9b1c1c}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .8rem;text-align:left;vertical-align:top}
.timeline{width:100%;font:12.5px/1.5 ui-monospace,monospace}.timeline td{border-top:1px solid #eceef0;width:31%}
.timeline td.ms{width:4rem;text-align:right;color:#80838d}.quiet{color:#9a9ea6}.bad{color:#b42318;font-weight:600}
pre{background:#f6f7f8;padding:.8rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#15171a;color:#e3e5e8}.timeline td{border-color:#2a2e33}pre{background:#1e2125}}
`;

/** A replay as one self-contained page. */
export function htmlReport(report: ReplayReport): string {
  const { title, agent, contentType, agrees, differences, tasks, durationMs, timeline, executorLog } = report;
  const verdict = agrees ? '<span class="verdict good">agrees with the recording</span>' : '<span class="verdict wrong">differs from the recording</span>';
  const rows = tasks.map((task) => `<tr><td>${task.agrees ? '✓' : '✗'}</td><th>${escaped(task.taskId)}</th><td>${escaped(task.reported.join(' ') || 'nothing reported')}</td></tr>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escaped(title)}</h1>
<p>recorded from ${escaped(agent)}, replayed in ${escaped(contentType)}, ${(durationMs / 1000).toFixed(1)} s</p>
${verdict}
${differences.length === 0 ? '' : `<ul>${differences.map((difference) => `<li>${escaped(difference)}</li>`).join('')}</ul>`}
<table>${rows.join('')}</table>
<p>${escaped(executorsEnd(report))}</p>
<table class="timeline"><thead><tr><th>ms</th><th>agent sent</th><th>executor answered</th><th>Kubernetes API saw</th></tr></thead><tbody>
${timeline.map(row).join('\n')}
</tbody></table>
${agrees || executorLog.length === 0 ? '' : `<p>the last that the executor wrote</p><pre>${escaped(executorLog.join('\n'))}</pre>`}
</body></html>
`;
}

function row({ atMs, lane, text, tone }: TimelineEntry): string {
  const cells = (['agent', 'executor', 'kubernetes'] as const).map((column) => (column === lane ? `<td class="${tone}">${escaped(text)}</td>` : '<td></td>'));
  return `<tr><td class="ms">${atMs}</td>${cells.join('')}</tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
