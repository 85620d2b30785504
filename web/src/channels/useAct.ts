import { useMutation } from "@tanstack/react-query";
import { toast, useErrorWords } from "@/ui";

/**
 * Does something small that takes one press: what it is refused with is said in words, and what was done where it is not plain to see.
 */
export function useAct(): {
  act: (what: () => Promise<unknown>, done?: string) => void;
  pending: boolean;
} {
  const words = useErrorWords();
  const { mutate, isPending } = useMutation({
    mutationFn: ({ what }: { what: () => Promise<unknown>; done: string | undefined }) => what(),
    onSuccess: (_, { done }) => {
      if (done !== undefined) toast(done);
    },
    onError: (error) => toast(words(error), { error: true }),
  });
  return { act: (what, done) => mutate({ what, done }), pending: isPending };
}
