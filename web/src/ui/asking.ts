/** Questions that any code may ask, answered in a dialog that <Questions/> shows: one at a time, in order. */
import { createStore } from "zustand/vanilla";

export interface Question {
  title: string;
  body?: React.ReactNode;
  /** What the button says that does it. */
  action: string;
  danger?: boolean;
}

interface Asked extends Question {
  answer: (yes: boolean) => void;
}

export const questions = createStore<{ asked: readonly Asked[] }>(() => ({ asked: [] }));

/** Whether the user wants it. `false` when they close the question. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    const asked: Asked = {
      ...question,
      answer(yes) {
        questions.setState((state) => ({ asked: state.asked.filter((one) => one !== asked) }));
        resolve(yes);
      },
    };
    questions.setState((state) => ({ asked: [...state.asked, asked] }));
  });
}
