import { pino, stdSerializers, type BaseLogger, type DestinationStream } from 'pino';
import { messageOf } from '../base/index.ts';
import type { LogFields, Logger, LogLevel } from './logger.ts';

/** Names of fields whose value is never written, wherever a caller puts it. */
const SECRET = /token|password|secret|authorization|private.?key/i;

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  /** Where lines go; standard error unless told. */
  readonly write?: (line: string) => void;
}

/** Logger of the process: one line an entry, JSON or text, times in UTC, secrets redacted. */
export function createLogger(options: LogOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const destination: DestinationStream = { write: options.format === 'json' ? write : (line) => write(asText(line)) };
  const root = pino(
    { level: 'debug', base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (level) => ({ level }) }, serializers: { error: errorOf } },
    destination,
  );
  return wrap(root, { level: options.level });
}

interface Target extends Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'> {
  child(fields: LogFields): Target;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** `least` is that of the whole family; pino has a level for each logger by itself. */
function wrap(target: Target, least: { level: LogLevel }): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(level) >= LEVELS.indexOf(least.level)) target[level](clean(fields), message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(target.child(clean(fields)), least),
    setLevel: (level) => void (least.level = level),
  };
}

function errorOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return error.name === 'KmError' ? messageOf(error) : stdSerializers.err(error);
}

function clean(fields: LogFields = {}): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, SECRET.test(key) ? '[redacted]' : value]));
}

function asText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}${rest.join('')}\n`;
}
