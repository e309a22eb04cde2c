import type {
  CallMessage,
  CallSubscribe,
  CallUpdate,
  EventAcknowledged,
  EventError,
  EventKill,
  EventLaunch,
  EventLaunchGroup,
  EventMessage,
  EventSubscribed,
  ExecutorID,
  FrameworkID,
} from './generated/types.ts';

export type * from './generated/types.ts';

/**
 * What the agent tells an executor, in memory: field names as in `proto/`, enums as their names (numbers where this
 * version has no name), bytes as Uint8Array, 64-bit integers as numbers where those are exact, else bigint.
 */
export type Event =
  | { readonly type: 'SUBSCRIBED'; readonly subscribed: EventSubscribed }
  | { readonly type: 'LAUNCH'; readonly launch: EventLaunch }
  | { readonly type: 'LAUNCH_GROUP'; readonly launch_group: EventLaunchGroup }
  | { readonly type: 'KILL'; readonly kill: EventKill }
  | { readonly type: 'ACKNOWLEDGED'; readonly acknowledged: EventAcknowledged }
  | { readonly type: 'MESSAGE'; readonly message: EventMessage }
  | { readonly type: 'ERROR'; readonly error: EventError }
  | { readonly type: 'SHUTDOWN' }
  | { readonly type: 'HEARTBEAT' }
  /** A type that this version does not know, or none: `value` is what was there. */
  | { readonly type: 'UNKNOWN'; readonly value?: number | string };

/** Whose call it is. */
export interface Caller {
  readonly executor_id: ExecutorID;
  readonly framework_id: FrameworkID;
}

/** What an executor tells its agent, without saying who it is. */
export type CallBody =
  | { readonly type: 'SUBSCRIBE'; readonly subscribe: CallSubscribe }
  | { readonly type: 'UPDATE'; readonly update: CallUpdate }
  | { readonly type: 'MESSAGE'; readonly message: CallMessage }
  | { readonly type: 'HEARTBEAT' };

/** A call as it goes over the wire. `UNKNOWN` is only ever read, by whoever plays the agent. */
export type Call = Caller & (CallBody | { readonly type: 'UNKNOWN'; readonly value?: number | string });
