import type { KubernetesObject } from './types.ts';

/** Fields of events.k8s.io/v1 and what core/v1, the form in which events are stored, calls them. */
const NAMES: readonly (readonly [events: string, core: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];
const TO_CORE = new Map(NAMES);
const TO_EVENTS = new Map(NAMES.map(([events, core]) => [core, events]));

/** An event of events.k8s.io/v1 in the words of core/v1. */
export function toCoreEvent(event: KubernetesObject): KubernetesObject {
  return { ...renamed(event, TO_CORE), apiVersion: 'v1', kind: 'Event', metadata: event.metadata };
}

/** A stored event in the words of events.k8s.io/v1. */
export function toEventsEvent(event: KubernetesObject): KubernetesObject {
  return { ...renamed(event, TO_EVENTS), apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: event.metadata };
}

function renamed(event: KubernetesObject, names: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [names.get(name) ?? name, value]));
}
