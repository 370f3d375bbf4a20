/** A vault in DynamoDB that remembers one resolution, and so asks for nearly all anew, keeps the contract of vaults. */
import { vaultContract } from '../contracts/vault.ts';
import { vaultUnderTest } from '../support/aws-vault.ts';
import { describeWithMoto } from '../support/moto.ts';

describeWithMoto('a vault in DynamoDB that remembers one resolution', () =>
  vaultContract('DynamoDB', vaultUnderTest({ cacheSize: 1 })),
);
