/** A custom resource of CloudFormation: work that is done when a stack is made or changed, and answered in any case. */

/** What CloudFormation sends. */
export interface CustomResourceRequest {
  RequestType: 'Create' | 'Update' | 'Delete';
  /** Where the answer is put, by whoever has this address. */
  ResponseURL: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  PhysicalResourceId?: string;
}

export interface CustomResourceAnswer
  extends Pick<CustomResourceRequest, 'StackId' | 'RequestId' | 'LogicalResourceId'> {
  Status: 'SUCCESS' | 'FAILED';
  /** What CloudFormation shows of a failure. */
  Reason?: string;
  PhysicalResourceId: string;
}

export interface CustomResource {
  /** Name of what it makes; it stays the same, so that CloudFormation never deletes it in favour of another. */
  id: string;
  /** Its message, where it fails, is what people see; it holds no data. */
  make(): Promise<unknown>;
  /** Puts the answer at the address. */
  answer(url: string, answer: CustomResourceAnswer): Promise<void>;
}

/** CloudFormation takes 4 KB of an answer in all. */
const mostTold = 1000;

/** The handler of the resource's function. Deleting it does nothing. */
export const customResource =
  ({ id, make, answer }: CustomResource) =>
  async ({ RequestType, ResponseURL, ...request }: CustomResourceRequest): Promise<void> => {
    const { StackId, RequestId, LogicalResourceId, PhysicalResourceId = id } = request;
    const asked = { StackId, RequestId, LogicalResourceId, PhysicalResourceId };
    let failure: string | undefined;
    try {
      if (RequestType !== 'Delete') await make();
    } catch (error) {
      failure = error instanceof Error ? error.message : 'an unknown error';
    }
    const outcome =
      failure === undefined
        ? { Status: 'SUCCESS' as const }
        : { Status: 'FAILED' as const, Reason: failure.slice(0, mostTold) };
    await answer(ResponseURL, { ...asked, ...outcome });
  };
