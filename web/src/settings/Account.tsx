import { DeleteAccount } from "./DeleteAccount";
import { ExportData } from "./ExportData";

/** One's data, as an archive; and the end of the account. */
export function Account() {
  return (
    <>
      <ExportData />
      <DeleteAccount />
    </>
  );
}
