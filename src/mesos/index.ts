/**
 * mesos: the edge towards the Mesos agent. In: the environment that the agent gave the executor, calls to send, status
 * updates to deliver. Out: the agent's events, one after the other.
 *
 * It promises: an update is recorded before it is sent and is sent until it is acknowledged (or refused for good); the
 * updates of a task keep their order; after its terminal update a task gets no other; a lost agent is looked for until the
 * recovery timeout has passed since it was lost; memory is bounded by live tasks and one record; no secret is logged.
 */
export * from './agent-connection.ts';
export * from './codec.ts';
export * from './environment.ts';
export * from './ledger.ts';
export * from './messages.ts';
export * from './recordio.ts';
export * from './uuid.ts';
