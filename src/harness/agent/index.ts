/**
 * harness/agent: stands in for a Mesos agent, towards one executor. In come the executor's calls over HTTP (TCP, TLS or a
 * domain socket, JSON or protobuf) and, from whoever holds it, tasks to launch and kill; out go the agent's events, its answers
 * with a real agent's words, and a book of what was reported about each task. It promises the behaviour of an agent that an
 * executor can notice: acknowledgements, re-subscription, restarts, the watch over the executor's process.
 */
export { AgentEmulator } from './agent-emulator.ts';
export { ExecutorProcess, type ProcessExit, type SpawnOptions } from './executor-process.ts';
export { ExecutorRun, type ExecutorEnd, type ExecutorRunOptions } from './executor-run.ts';
export type { Identity } from './subscribed.ts';
export { isTerminal } from './task-ledger.ts';
export type { AgentOptions, CallEvent, ConnectionEvent, RestartOptions, TaskRecord, UpdateRecord } from './types.ts';
export type { WaitOptions } from './watchers.ts';
