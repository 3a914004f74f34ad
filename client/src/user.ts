/** The fields of the user that the client reads with every sign-in and refresh. */

import type { User as SchemaUser } from "./schema.js";

export type User = Pick<
  SchemaUser,
  | "id"
  | "username"
  | "email"
  | "isEmailVerified"
  | "fullName"
  | "bio"
  | "imageUrl"
  | "dateJoined"
  | "lastLogin"
  | "roles"
>;

export const USER = "id username email isEmailVerified fullName bio imageUrl dateJoined lastLogin roles";
