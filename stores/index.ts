/** All kinds of stores. */
import { file } from './file/index.js';
import { openbaoKv } from './openbao-kv/index.js';
import { sealed } from './sealed/index.js';

export const storeKinds = [file, openbaoKv, sealed] as const;
