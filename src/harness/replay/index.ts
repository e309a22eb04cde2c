/**
 * harness/replay: plays the agent's side of a recording against a fresh executor process and says where its answers differ
 * from what the recording expects. In: a recording, the executor's command. Out: a timeline as it happens, a report as text, JSON
 * or HTML. It promises that an agent's event never comes before what the recorded agent had waited for, and that no process, server or
 * file of its own is left. One replay at a time on one Docker Engine: recordings share pod UIDs and host ports.
 */
export type { TaskVerdict, Verdict } from './compare.ts';
export { dockerContainers, type ContainerOwner, type ExecutorContainers } from './docker-containers.ts';
export { planReplay, type Gate, type Plan, type Step } from './plan.ts';
export { htmlReport } from './report-html.ts';
export { TextReport, type TextOptions } from './report-text.ts';
export { runReplay, type ReplayOptions, type ReplayReport } from './run-replay.ts';
export type { Lane, TimelineEntry, Tone } from './timeline.ts';
