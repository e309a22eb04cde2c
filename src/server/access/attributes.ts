/** What a request wants to do, in the words of authorization: a verb on a subresource of the node. */
export interface AccessQuestion {
  /** Empty for methods that have none. */
  readonly verb: string;
  readonly subresource: 'proxy' | 'stats' | 'metrics' | 'log' | 'spec';
  readonly node: string;
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

const SUBRESOURCES = [['/stats', 'stats'], ['/metrics', 'metrics'], ['/logs', 'log'], ['/spec', 'spec']] as const;

/** Kubernetes v1.20 pkg/kubelet/server/auth.go: four roots have a subresource of their own, all else is `proxy`. */
export function accessQuestion(method: string, path: string, node: string): AccessQuestion {
  const own = SUBRESOURCES.find(([root]) => path === root || path.startsWith(`${root}/`));
  return { verb: VERBS[method] ?? '', subresource: own?.[1] ?? 'proxy', node };
}
