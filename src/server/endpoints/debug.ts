import { errorLine, text, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';

/** Longest profile, seconds; the default is Go's. */
const LONGEST_SECONDS = 300;
const DEFAULT_SECONDS = 30;

const INDEX = `/debug/pprof/
  profile?seconds=30  CPU profile of the executor (.cpuprofile, for the DevTools of Chrome)
  heap                heap snapshot of the executor (.heapsnapshot)
  cmdline             its command line
`;

/** The counterpart of Go's `/debug/pprof/`: a CPU profile and a heap snapshot, one of each at a time. */
export function debugRoutes(): Route[] {
  let busy = false;
  const exclusively = async (work: () => Promise<Answer>): Promise<Answer> => {
    if (busy) return errorLine(500, 'profiling is already in use');
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  };
  const serve = (visit: Visit): Promise<Answer> | Answer => {
    switch (visit.params['rest']) {
      case 'profile':
        return exclusively(() => cpuProfile(visit));
      case 'heap':
        return exclusively(heapSnapshot);
      case 'cmdline':
        return text(200, process.argv.join('\0'));
      case '':
        return text(200, INDEX);
      default:
        return errorLine(404, 'Unknown profile');
    }
  };
  return [{ methods: ['GET'], pattern: '/debug/pprof/*', serve }];
}

async function cpuProfile({ query, signal }: Visit): Promise<Answer> {
  const asked = Number(query.get('seconds') ?? DEFAULT_SECONDS);
  const seconds = Number.isFinite(asked) && asked > 0 ? Math.min(asked, LONGEST_SECONDS) : DEFAULT_SECONDS;
  const [{ Session }, { setTimeout: wait }] = await Promise.all([import('node:inspector/promises'), import('node:timers/promises')]);
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await wait(seconds * 1000, undefined, { signal }).catch(() => undefined);
    const { profile } = await session.post('Profiler.stop');
    return attachment('km.cpuprofile', JSON.stringify(profile));
  } finally {
    session.disconnect();
  }
}

async function heapSnapshot(): Promise<Answer> {
  const { getHeapSnapshot } = await import('node:v8');
  return attachment('km.heapsnapshot', getHeapSnapshot());
}

function attachment(name: string, body: NonNullable<Answer['body']>): Answer {
  return { status: 200, headers: { 'content-type': 'application/json', 'content-disposition': `attachment; filename="${name}"` }, body };
}
