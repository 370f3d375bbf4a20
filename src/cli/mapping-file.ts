/** Reads the mapping file that `--map` names. */
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { contractOf, type Dataset, fileDatasets } from '../contracts/index.ts';
import { type Mapping, parseMapping } from '../domain/files/mapping.ts';
import { isObject } from '../domain/json.ts';
import { RefusedInput } from '../domain/refused-input.ts';

/** The mapping, what it was read from, and its dataset: the one given, or else the one that it names. Throws RefusedInput. */
export function readMapping(file: string, given?: Dataset): { dataset: Dataset; mapping: Mapping; document: unknown } {
  if (!existsSync(file)) throw new RefusedInput(`${file} is no file; --map names a YAML mapping`);
  const document = parseYaml(file);
  const dataset = given ?? fileDatasets.find((name) => isObject(document) && document.dataset === name);
  if (!dataset) throw new RefusedInput(`${file}: dataset must be one of ${fileDatasets.join(', ')}`);
  if (dataset === 'events') throw new RefusedInput('events are taken as they are; --map is for files of rows');
  return { dataset, mapping: parseMapping(document, contractOf(`${dataset}/1`)!, file), document };
}

function parseYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch {
    throw new RefusedInput(`${file} is not valid YAML; examples/cdnow/map.yaml shows what a mapping looks like`);
  }
}
