import { READERS } from './readers.ts';

/** So many inputs for each reader; prints what each took. Resolves with the number of readers that failed. */
export async function runFuzz(inputs: number, seed: number): Promise<number> {
  let failed = 0;
  for (const { name, fuzz } of READERS) {
    const began = Date.now();
    try {
      // In parts: fast-check holds what it needs to tell of a part.
      for (let done = 0; done < inputs; done += PART) await fuzz(Math.min(PART, inputs - done), seed + done);
      console.log(`${name}: ${inputs} inputs in ${((Date.now() - began) / 1000).toFixed(1)} s, ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB resident`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failed;
}

const PART = 20_000;
