// Options that several reductions have.

import { z } from 'zod';

export const seedOption = z.number().int().min(0).max(0xffffffff).default(42).describe('Seed of all random numbers.');
