import type { PodSpec } from '../../pod/index.ts';
import type { Draft } from './draft.ts';

type Translation = (value: string, draft: Draft) => string | undefined;

/** Long names of options of `docker run` that have another name too. */
const ALIASES: Readonly<Record<string, string>> = { e: 'env', v: 'volume', l: 'label', u: 'user', w: 'workdir', h: 'hostname', i: 'interactive', t: 'tty' };

/** What a pod has for an option of `docker run`; each gives back what is wrong with the value, if anything. */
const OPTIONS: Readonly<Record<string, Translation>> = {
  env: (value, draft) => {
    const { key, rest } = pair(value);
    if (key === '' || rest === undefined) return 'want NAME=VALUE';
    draft.env.push({ name: key, value: rest });
    return undefined;
  },
  label: (value, draft) => {
    const { key, rest = '' } = pair(value);
    draft.labels[key] = rest;
    return undefined;
  },
  volume,
  'cap-add': (value, draft) => void capability('add', value, draft),
  'cap-drop': (value, draft) => void capability('drop', value, draft),
  user,
  workdir: (value, draft) => void (draft.container = { ...draft.container, workingDir: value }),
  entrypoint: (value, draft) => void (draft.container = { ...draft.container, command: [value.replaceAll('$', '$$$$')] }),
  hostname: (value, draft) => void (draft.spec = { ...draft.spec, hostname: value }),
  interactive: flag((draft) => void (draft.container = { ...draft.container, stdin: true })),
  tty: flag((draft) => void (draft.container = { ...draft.container, tty: true })),
  'read-only': flag((draft) => void (draft.security = { ...draft.security, readOnlyRootFilesystem: true })),
  privileged: flag((draft) => void (draft.security = { ...draft.security, privileged: true })),
  pid: (value, draft) => (value === 'host' ? void (draft.spec = { ...draft.spec, hostPID: true }) : 'want host'),
  ipc: (value, draft) => (value === 'host' ? void (draft.spec = { ...draft.spec, hostIPC: true }) : 'want host'),
  dns: (value, draft) => void dns(draft, { nameservers: [value] }),
  'dns-search': (value, draft) => void dns(draft, { searches: [value] }),
  'dns-opt': (value, draft) => {
    const [name = '', setting] = value.split(':');
    dns(draft, { options: [{ name, ...(setting === undefined ? {} : { value: setting }) }] });
    return undefined;
  },
  'add-host': (value, draft) => {
    const at = value.indexOf(':');
    if (at <= 0) return 'want NAME:ADDRESS';
    const alias = { ip: value.slice(at + 1), hostnames: [value.slice(0, at)] };
    draft.spec = { ...draft.spec, hostAliases: [...(draft.spec.hostAliases ?? []), alias] };
    return undefined;
  },
  'group-add': (value, draft) => {
    if (!/^\d{1,9}$/.test(value)) return 'want a number';
    securityOfPod(draft, { supplementalGroups: [...(draft.spec.securityContext?.supplementalGroups ?? []), Number(value)] });
    return undefined;
  },
  sysctl: (value, draft) => {
    const { key, rest } = pair(value);
    if (rest === undefined) return 'want NAME=VALUE';
    securityOfPod(draft, { sysctls: [...(draft.spec.securityContext?.sysctls ?? []), { name: key, value: rest }] });
    return undefined;
  },
  'security-opt': (value, draft) => {
    if (!/^no-new-privileges([:=]true)?$/.test(value)) return 'want no-new-privileges';
    draft.security = { ...draft.security, allowPrivilegeEscalation: false };
    return undefined;
  },
};

/** One option of `docker run`. What a pod has nothing for is a fault: nothing is passed over. */
export function parameter(key: string, value: string, field: string, draft: Draft): void {
  const name = ALIASES[key] ?? key;
  const translate = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  if (translate === undefined) return draft.fault(`${field}.key`, `${key.slice(0, 40)} is not supported`);
  const wrong = translate(value, draft);
  if (wrong !== undefined) draft.fault(`${field}.value`, `${name}: ${wrong}`);
}

function pair(value: string): { key: string; rest: string | undefined } {
  const at = value.indexOf('=');
  return at < 0 ? { key: value, rest: undefined } : { key: value.slice(0, at), rest: value.slice(at + 1) };
}

function flag(set: (draft: Draft) => void): Translation {
  return (value, draft) => {
    if (value === 'true' || value === '') set(draft);
    else if (value !== 'false') return 'want true or false';
    return undefined;
  };
}

/** `/on/the/node:/in/the/container[:ro]`, or one path for an empty directory. */
function volume(value: string, draft: Draft): string | undefined {
  const [from = '', to, modes = '', ...more] = value.split(':');
  if (more.length > 0) return 'want PATH:PATH:MODE';
  if (to === undefined) {
    draft.addVolume(from, { emptyDir: {} }, 'RW');
    return undefined;
  }
  if (!from.startsWith('/')) return 'named volumes are not supported: want an absolute path';
  const unknown = modes.split(',').filter((mode) => !['', 'ro', 'rw', 'z', 'Z', 'rslave', 'rshared', 'rprivate'].includes(mode));
  if (unknown.length > 0) return `mode ${unknown[0]?.slice(0, 20)} is not supported`;
  const words = modes.split(',');
  const propagation = words.includes('rshared') ? 'Bidirectional' : words.includes('rslave') ? 'HostToContainer' : undefined;
  // Without a type, as with `docker run`: a file or a socket can be mounted, and what is not there is made a directory by Docker alone.
  draft.addVolume(to, { hostPath: { path: from, type: '' } }, words.includes('ro') ? 'RO' : 'RW', propagation);
  return undefined;
}

function user(value: string, draft: Draft): string | undefined {
  const match = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(value);
  if (match === null) return value === 'root' ? void (draft.security = { ...draft.security, runAsUser: 0 }) : 'want UID or UID:GID in numbers';
  draft.security = { ...draft.security, runAsUser: Number(match[1]), ...(match[2] === undefined ? {} : { runAsGroup: Number(match[2]) }) };
  return undefined;
}

function capability(which: 'add' | 'drop', value: string, draft: Draft): void {
  const { capabilities = {} } = draft.security;
  draft.security = { ...draft.security, capabilities: { ...capabilities, [which]: [...(capabilities[which] ?? []), value] } };
}

function dns(draft: Draft, more: NonNullable<PodSpec['dnsConfig']>): void {
  const { nameservers = [], searches = [], options = [] } = draft.spec.dnsConfig ?? {};
  const all = { nameservers: [...nameservers, ...(more.nameservers ?? [])], searches: [...searches, ...(more.searches ?? [])], options: [...options, ...(more.options ?? [])] };
  // With servers of its own Docker asks no others.
  draft.spec = { ...draft.spec, dnsConfig: all, ...(all.nameservers.length > 0 ? { dnsPolicy: 'None' } : {}) };
}

function securityOfPod(draft: Draft, more: NonNullable<PodSpec['securityContext']>): void {
  draft.spec = { ...draft.spec, securityContext: { ...draft.spec.securityContext, ...more } };
}
