#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { COMPILE_CACHE } from './supervise.ts';

enableCompileCache(COMPILE_CACHE);
const { main } = await import('./commands.ts');
await main(process.argv);
