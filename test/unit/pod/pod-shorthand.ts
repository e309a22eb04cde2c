import { containerHash, type Container, type ObservedContainer, type ObservedPod, type ProbeResults, type ValidPod } from '../../../src/pod/index.ts';
import { container, created, exited, notStartable, observed, pod, probes, running } from './samples.ts';

/** What a line of shorthand stands for. */
export interface Written {
  readonly pod: ValidPod;
  readonly observed: ObservedPod;
  readonly probes: ProbeResults;
  readonly postStartFailed: ReadonlyMap<string, string>;
}

const PROBE = { exec: { command: ['true'] } };

/**
 * A pod in short. `shape` is `initContainers | containers`: names that begin with s are sidecars. `states` has `name=state` for what is there:
 *
 *     new created   run running   lost cannot be inspected   ok ended with 0   fail ended with 1   oom killed by the kernel   dead could not be started
 *     run~ its startup probe has not passed   run+ it has   run!start it failed   run!live its liveness probe failed   run!hook its postStart hook failed
 *     run!image it runs another image than it should
 */
export function written(restartPolicy: string, shape: string, states: string): Written {
  const [init = '', app = ''] = shape.includes('|') ? shape.split('|') : ['', shape];
  const state = new Map(words(states).map((word) => word.split('=') as [string, string]));
  const spec = (name: string): Container => {
    const word = state.get(name) ?? '';
    return container(name, {
      ...(name.startsWith('s') ? { restartPolicy: 'Always' } : {}),
      ...(['run~', 'run+', 'run!start'].includes(word) ? { startupProbe: PROBE } : {}),
      ...(word === 'run!live' ? { livenessProbe: PROBE } : {}),
    });
  };
  const named = (word: string): string[] => [...state].filter(([, what]) => what === word).map(([name]) => `${name}-0`);
  const all = (ids: string[], value: boolean): Record<string, boolean> => Object.fromEntries(ids.map((id) => [id, value]));
  return {
    pod: pod({ restartPolicy, initContainers: words(init).map(spec), containers: words(app).map(spec) }),
    observed: observed([...state].map(([name, word]) => inState(name, word))),
    probes: probes({ startup: { ...all(named('run+'), true), ...all(named('run!start'), false) }, liveness: all(named('run!live'), false) }),
    postStartFailed: new Map(named('run!hook').map((id) => [id, 'boom'])),
  };
}

function inState(name: string, word: string): ObservedContainer {
  switch (word.replace(/[~+!].*$/, '')) {
    case 'new':
      return created(name);
    case 'run':
      return running(name, { hash: containerHash({ name, image: word === 'run!image' ? 'another' : `registry.example/${name}:1` }) });
    case 'lost':
      return running(name, { state: 'unknown' });
    case 'ok':
      return exited(name, 0);
    case 'fail':
      return exited(name, 1);
    case 'oom':
      return exited(name, 137, { oomKilled: true });
    case 'dead':
      return notStartable(name, 'no such file');
    default:
      throw new Error(`no state: ${word}`);
  }
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

/** A behaviour, a pod in shorthand, and what is expected with each restart policy; with one expectation it holds for all of them. */
export type Row = readonly [behaviour: string, shape: string, states: string, always: string, onFailure?: string, never?: string];

/** Three cases a row: name, pod, expectation. */
export function withEachPolicy(rows: readonly Row[]): [string, Written, string][] {
  return rows.flatMap(([behaviour, shape, states, always, onFailure = always, never = always]) => [
    [`Always: ${behaviour}`, written('Always', shape, states), always] as [string, Written, string],
    [`OnFailure: ${behaviour}`, written('OnFailure', shape, states), onFailure] as [string, Written, string],
    [`Never: ${behaviour}`, written('Never', shape, states), never] as [string, Written, string],
  ]);
}
