// Jest's transform: Node's own type stripping, so that tests run the very text that `c360` runs.
import { stripTypeScriptTypes } from 'node:module';

export default { process: (text) => ({ code: stripTypeScriptTypes(text) }) };
