import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The two ways of a joined connection. Neither promise rejects: a side that breaks ends both ways, and breaks the other side. */
export interface JoinedStreams {
  /** The pod has said all that it will say, and the client has it. */
  readonly toClient: Promise<void>;
  /** Both have. */
  readonly both: Promise<void>;
}

/** Carries bytes both ways until both ends have said all: the end of one side half-closes the other, and the other way goes on. */
export function joinStreams(client: Duplex, pod: Duplex): JoinedStreams {
  const ways = [pipeline(pod, client), pipeline(client, pod)].map((way) => way.catch(() => undefined)) as [Promise<void>, Promise<void>];
  return { toClient: ways[0], both: Promise.all(ways).then(() => undefined) };
}
