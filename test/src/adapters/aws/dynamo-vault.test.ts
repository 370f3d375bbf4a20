import { vaultContract } from '../../../contracts/vault.ts';
import { newAwsVault } from '../../../support/aws-vault.ts';
import { describeWithMoto, motoClients } from '../../../support/moto.ts';

describeWithMoto('a vault in DynamoDB', () => {
  for (const cacheSize of [undefined, 1]) {
    vaultContract(`DynamoDB, remembering ${cacheSize ?? 'many'} resolutions`, async () => {
      const clients = await motoClients();
      const made = await newAwsVault(clients);
      const close = () => {
        for (const client of Object.values(clients)) client.destroy();
      };
      return { ...made.open(clients, { cacheSize }), erase: made.erase, close };
    });
  }
});
