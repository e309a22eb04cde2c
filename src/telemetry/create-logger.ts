import type { Writable } from 'node:stream';
import { pino, stdSerializers, type BaseLogger, type DestinationStream } from 'pino';
import { messageOf } from '../base/index.ts';
import type { LogFields, Logger, LogLevel } from './logger.ts';

/** Names of fields whose value is never written, wherever a caller puts it. */
const SECRET = /token|password|secret|authorization|private.?key/i;

/** So much waits for a reader that does not read, bytes; lines beyond it are left out: the log is not worth the memory. */
const MOST_UNREAD = 1 << 20;

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  /** Where lines go; standard error unless told. */
  readonly stream?: Pick<Writable, 'write' | 'writableLength'>;
}

/** Logger of the process: one line an entry, JSON or text, times in UTC, secrets redacted. */
export function createLogger(options: LogOptions): Logger {
  const { format, stream = process.stderr } = options;
  const write = (line: string): void => void stream.write(format === 'json' ? line : asText(line));
  let leftOut = 0;
  const destination: DestinationStream = {
    write: (line) => {
      if (stream.writableLength > MOST_UNREAD) {
        leftOut += 1;
        return;
      }
      if (leftOut > 0) write(`${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lines: leftOut, msg: 'nobody has read the log for a while, lines are left out' })}\n`);
      leftOut = 0;
      write(line);
    },
  };
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
  return `${withoutControls(`${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}${rest.join('')}`)}\n`;
}

/** What would begin another line, or move the cursor of who reads it, as JSON escapes it: some of it strangers have written. */
function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => (char < ' ' ? JSON.stringify(char).slice(1, -1) : `\\u00${char.charCodeAt(0).toString(16)}`));
}
