/** Keys that lie beside the data, wrapped by a KMS key: KMS is asked once for each of them, and never for a record. */
import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { adapterError, errorCode, refusal } from './errors.ts';

export interface KmsKeysOptions {
  client: KMSClient;
  /** Id, ARN or alias of the KMS key. */
  keyId: string;
}

/** A new key: 32 bytes, and the form in which it may be stored. */
export interface NewKey {
  key: Uint8Array;
  wrapped: Uint8Array;
}

export class KmsKeys {
  readonly #client: KMSClient;
  readonly #KeyId: string;
  /** Keys that were unwrapped, or are being, by their stored form. */
  readonly #unwrapped = new Map<string, Promise<Uint8Array>>();

  constructor({ client, keyId }: KmsKeysOptions) {
    this.#client = client;
    this.#KeyId = keyId;
  }

  /** `purpose` says which key it is; it must be given again to unwrap it. */
  async generate(purpose: string): Promise<NewKey> {
    const command = new GenerateDataKeyCommand({
      KeyId: this.#KeyId,
      KeySpec: 'AES_256',
      EncryptionContext: contextOf(purpose),
    });
    try {
      const { Plaintext, CiphertextBlob } = await this.#client.send(command);
      return { key: Plaintext!, wrapped: CiphertextBlob! };
    } catch (error) {
      throw adapterError(`KMS: making the ${purpose}`, error);
    }
  }

  /** The key that was wrapped. AdapterError where that happened for another purpose or under another KMS key. */
  unwrap(wrapped: Uint8Array, purpose: string): Promise<Uint8Array> {
    const name = `${purpose} ${Buffer.from(wrapped).toString('base64')}`;
    const known = this.#unwrapped.get(name);
    if (known) return known;
    const key = this.#decrypt(wrapped, purpose);
    this.#unwrapped.set(name, key);
    key.catch(() => this.#unwrapped.delete(name));
    return key;
  }

  async #decrypt(wrapped: Uint8Array, purpose: string): Promise<Uint8Array> {
    const command = new DecryptCommand({
      KeyId: this.#KeyId,
      CiphertextBlob: wrapped,
      EncryptionContext: contextOf(purpose),
    });
    try {
      return (await this.#client.send(command)).Plaintext!;
    } catch (error) {
      if (['InvalidCiphertextException', 'IncorrectKeyException'].includes(errorCode(error))) {
        throw refusal(`the ${purpose} was not wrapped under the KMS key ${this.#KeyId}: name the key of this data`);
      }
      throw adapterError(`KMS: unwrapping the ${purpose}`, error);
    }
  }
}

/** Without the table's name: a table that is restored from a backup gets another one. */
function contextOf(purpose: string): Record<string, string> {
  return { purpose };
}
