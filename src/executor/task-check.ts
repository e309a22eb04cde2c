import type { CheckInfo } from '../mesos/index.ts';
import type { TaskCheck } from '../status/index.ts';
import { wordsOf } from './docker-task/command.ts';
import { Draft } from './docker-task/draft.ts';

/** What a CheckInfo says where it says nothing, seconds (Mesos include/mesos/v1/mesos.proto). */
const DEFAULTS = { delay: 15, interval: 10, timeout: 20 };

/** The general check that a task brings (Mesos src/common/validation.cpp, validateCheckInfo). Throws code `invalid` with all that is wrong with it, by its field. */
export function taskCheck(info: CheckInfo): TaskCheck {
  const draft = new Draft();
  const milliseconds = (field: 'delay' | 'interval' | 'timeout'): number => {
    const seconds = info[`${field}_seconds`] ?? DEFAULTS[field];
    if (!(seconds >= 0)) draft.fault(`check.${field}_seconds`, `${seconds}: must not be negative`);
    return Math.ceil(seconds * 1000);
  };
  const [delayMs, intervalMs, timeoutMs] = [milliseconds('delay'), milliseconds('interval'), milliseconds('timeout')];
  const times = { delayMs, intervalMs, ...(timeoutMs === 0 ? {} : { timeoutMs }) };
  const check = kindOf(info, draft);
  draft.done();
  return { ...times, ...check } as TaskCheck;
}

type Kind = { type: 'COMMAND'; command: string[] } | { type: 'HTTP'; port: number; path: string } | { type: 'TCP'; port: number } | undefined;

function kindOf({ type, command, http, tcp }: CheckInfo, draft: Draft): Kind {
  switch (type) {
    case 'COMMAND':
      return { type, command: wordsOf(command?.command, 'check.command.command', draft) };
    case 'HTTP': {
      const { port = 0, path = '/' } = http ?? {};
      if (http === undefined) draft.fault('check.http', 'required');
      if (!path.startsWith('/')) draft.fault('check.http.path', `"${path.slice(0, 40)}": must begin with /`);
      return { type, port: portOf(port, 'check.http.port', draft), path };
    }
    case 'TCP':
      if (tcp === undefined) draft.fault('check.tcp', 'required');
      return { type, port: portOf(tcp?.port ?? 0, 'check.tcp.port', draft) };
    default:
      draft.fault('check.type', `${type ?? 'none'}: want COMMAND, HTTP or TCP`);
      return undefined;
  }
}

function portOf(port: number, field: string, draft: Draft): number {
  if (port < 1 || port > 65_535) draft.fault(field, `${port}: want 1 to 65535`);
  return port;
}
