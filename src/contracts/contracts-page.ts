/** The reference page of all contracts, for people. */
import type { Contract, Leaf } from './model.ts';

export function contractsPage(contracts: Contract[], envelope: Leaf[]): string {
  const section = (contract: Contract) =>
    [`## ${contract.title} (\`${contract.id}\`)`, '', contract.description, '', ...table(contract.leaves), ''].join(
      '\n',
    );
  return [
    '# Contracts',
    '',
    'Generated from `schemas/`. What each producer may send, and what becomes of each field at the door:',
    '`keep` as it is; `natural_id` replaced by the random subject id; `truncate_ip`, `coarsen_device`, `coarsen_date` made',
    'coarser; `scrub` masked; `seal` encrypted under the key of the subject; `vault` moved to the vault; `drop` removed.',
    'Fields that are not listed are stripped and counted.',
    '',
    '## Event envelope',
    '',
    'Every event is `{eventId, type, version, timestamp, payload}`; the payload is one of the events below.',
    '',
    ...table(envelope),
    '',
    ...contracts.map(section),
  ].join('\n');
}

function table(leaves: Leaf[]): string[] {
  return [
    '| field | type | required | column | privacy | meaning |',
    '|---|---|---|---|---|---|',
    ...leaves.map((leaf) => {
      const type = leaf.values ? leaf.values.join(', ') : leaf.isMoney ? 'money' : leaf.json.join(' or ');
      const column = ['vault', 'drop'].includes(leaf.privacy) ? '' : `\`${leaf.column}\` ${leaf.type}`;
      return `| \`${leaf.property}\` | ${type} | ${leaf.required ? 'yes' : ''} | ${column} | ${leaf.privacy} | ${leaf.description} |`;
    }),
  ];
}
