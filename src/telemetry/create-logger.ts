import { pino, stdSerializers, type BaseLogger, type DestinationStream } from 'pino';
import { messageOf } from '../base/index.ts';
import type { LogFields, Logger } from './logger.ts';

/** Names of fields whose value is never written, wherever a caller puts it. */
const SECRET = /token|password|secret|authorization|private.?key/i;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'text' | 'json';
  /** Where lines go; standard error unless told. */
  readonly write?: (line: string) => void;
}

/** Logger of the process: one line an entry, JSON or text, times in UTC, secrets redacted. */
export function createLogger(options: LogOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const destination: DestinationStream = { write: options.format === 'json' ? write : (line) => write(asText(line)) };
  const root = pino(
    { level: options.level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (level) => ({ level }) }, serializers: { error: errorOf } },
    destination,
  );
  return wrap(root);
}

interface Target extends Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'> {
  child(fields: LogFields): Target;
}

function wrap(target: Target): Logger {
  return {
    debug: (message, fields) => target.debug(clean(fields), message),
    info: (message, fields) => target.info(clean(fields), message),
    warn: (message, fields) => target.warn(clean(fields), message),
    error: (message, fields) => target.error(clean(fields), message),
    child: (fields) => wrap(target.child(clean(fields))),
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
