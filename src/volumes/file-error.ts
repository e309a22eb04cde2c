import { isNoSpace, KmError, type ErrorCode } from '../base/index.ts';

/** The `code` of a failed system call: `ENOENT`, ... */
export function systemCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Runs file system work; what the system refuses becomes a `KmError` that says what was tried. Ours pass through. */
export async function fileWork<T>(what: string, run: () => Promise<T>, code: ErrorCode = 'internal'): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof KmError) throw error;
    const own: ErrorCode = systemCode(error) === 'ENOENT' ? 'not-found' : isNoSpace(error) ? 'no-space' : code;
    throw new KmError(own, `${what}: ${(error as Error).message}`, { cause: error });
  }
}

/** `undefined` where the system says one of these codes. */
export async function unless<T>(codes: readonly string[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (codes.includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}
