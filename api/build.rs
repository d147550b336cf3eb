//! A new migration must rebuild the list that the database is compared with.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
