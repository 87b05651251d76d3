//! The source files of a crate as syntax trees: the modules, their imports, and the sizes of their functions.
//!
//! Items and modules that only exist in unit tests (`#[cfg(test)]`) are omitted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// A module path from the crate's root, for example `["mint", "state"]`.
pub(super) type ModulePath = Vec<String>;

/// One source file.
pub(super) struct SourceFile {
    /// The path relative to the folder of the root module.
    pub(super) name: String,
    /// The module that the file defines.
    pub(super) module: ModulePath,
    /// The number of lines.
    pub(super) lines: usize,
    /// Whether the file only declares modules and re-exports items.
    pub(super) only_declares: bool,
    /// The names that `use` imports, with their full paths.
    uses: BTreeMap<String, ModulePath>,
    /// The modules of glob imports.
    globs: Vec<ModulePath>,
    /// Every path to another module, from the crate's root.
    paths: BTreeSet<ModulePath>,
    /// The names of the types that are defined at module level.
    pub(super) types: BTreeSet<String>,
    pub(super) functions: Vec<Function>,
}

/// The size of one function.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) lines: usize,
    pub(super) parameters: usize,
}

/// All source files of a crate, by module.
pub(super) struct Crate {
    pub(super) files: BTreeMap<ModulePath, SourceFile>,
}

impl Crate {
    /// Parses the crate whose root module is the file `root`, for example `src/lib.rs`.
    pub(super) fn parse(root: &Path) -> Crate {
        let source = root.parent().expect("a file is in a folder");
        let mut parsed = Crate {
            files: BTreeMap::new(),
        };
        parsed.add(source, root, Vec::new(), false);
        parsed
    }

    /// Adds the file of a module and those of its children. An `alternative` replaces another module on Windows.
    fn add(&mut self, source: &Path, path: &Path, module: ModulePath, alternative: bool) {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tree =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let modules: Vec<&syn::ItemMod> = (tree.items.iter())
            .filter_map(|item| match item {
                Item::Mod(one) if one.content.is_none() && !is_test_only(&one.attrs) => Some(one),
                _ => None,
            })
            .collect();
        let children: Vec<String> = modules.iter().map(|one| one.ident.to_string()).collect();
        let mut reader = Reader::new(module.clone(), &children);
        reader.visit_file(&tree);
        let name = path.strip_prefix(source).unwrap_or(path);
        let file = SourceFile {
            name: name.display().to_string().replace('\\', "/"),
            module: module.clone(),
            lines: text.lines().count(),
            only_declares: (tree.items.iter()).all(|item| match item {
                Item::Use(_) => true,
                Item::Mod(one) => one.content.is_none(),
                _ => false,
            }),
            uses: reader.uses,
            globs: reader.globs,
            paths: reader.paths,
            types: if alternative {
                BTreeSet::new()
            } else {
                reader.types
            },
            functions: reader.functions,
        };
        self.files.insert(module.clone(), file);
        for child in modules {
            let mut module = module.clone();
            module.push(child.ident.to_string());
            let is_alternative = alternative || is_not_unix(&child.attrs);
            self.add(source, &file_of(source, &module), module, is_alternative);
        }
    }

    /// The modules that the file of `module` imports. A re-exported item counts as an import of the module that defines it.
    pub(super) fn imports(&self, module: &ModulePath) -> BTreeSet<ModulePath> {
        let file = &self.files[module];
        let mut imports: BTreeSet<ModulePath> = (file.paths.iter())
            .filter_map(|path| self.resolve(path, 0))
            .collect();
        imports.remove(module);
        imports
    }

    /// The module that defines the item at `path`.
    fn resolve(&self, path: &[String], depth: usize) -> Option<ModulePath> {
        let length = (0..=path.len())
            .rev()
            .find(|length| self.files.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let file = &self.files[module];
        if let Some(item) = rest.first()
            && depth < 8
        {
            if let Some(target) = file.uses.get(item) {
                let target: ModulePath = target.iter().chain(&rest[1..]).cloned().collect();
                if let Some(found) = self.resolve(&target, depth + 1) {
                    return Some(found);
                }
            }
            for glob in &file.globs {
                if self
                    .files
                    .get(glob)
                    .is_some_and(|file| file.types.contains(item))
                {
                    return Some(glob.clone());
                }
            }
        }
        // The root module does not count as an import, because every path begins there.
        (!module.is_empty()).then(|| module.to_vec())
    }
}

fn file_of(source: &Path, module: &[String]) -> PathBuf {
    let base: PathBuf = module
        .iter()
        .fold(source.to_owned(), |path, part| path.join(part));
    let folder = base.join("mod.rs");
    if folder.is_file() {
        folder
    } else {
        base.with_extension("rs")
    }
}

/// Whether `cfg` restricts an item to systems other than Unix.
fn is_not_unix(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| list.tokens.to_string().replace(' ', "") == "not(unix)")
    })
}

/// Whether `cfg` restricts an item to tests (or to fuzzing, which tests run too).
fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Ok(list) = attribute.meta.require_list() else {
            return false;
        };
        let text = list.tokens.to_string();
        let is_positive = !text.starts_with("not");
        attribute.path().is_ident("cfg")
            && is_positive
            && text
                .split(|one: char| !one.is_alphanumeric())
                .any(|word| word == "test")
    })
}

/// Collects what one file contains.
struct Reader<'a> {
    module: ModulePath,
    children: &'a [String],
    uses: BTreeMap<String, ModulePath>,
    globs: Vec<ModulePath>,
    paths: BTreeSet<ModulePath>,
    types: BTreeSet<String>,
    functions: Vec<Function>,
    /// How deep the visitor is inside function bodies, where types are local.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(module: ModulePath, children: &'a [String]) -> Self {
        Self {
            module,
            children,
            uses: BTreeMap::new(),
            globs: Vec::new(),
            paths: BTreeSet::new(),
            types: BTreeSet::new(),
            functions: Vec::new(),
            depth: 0,
        }
    }

    /// The path from the crate's root, if `parts` leads to this crate.
    fn absolute(&self, parts: &[String]) -> Option<ModulePath> {
        let (mut base, mut rest) = match parts.first()?.as_str() {
            "crate" => (Vec::new(), &parts[1..]),
            "self" => (self.module.clone(), &parts[1..]),
            "super" => (self.module.clone(), parts),
            first if self.children.iter().any(|child| child == first) => {
                (self.module.clone(), parts)
            }
            _ => return None,
        };
        while let Some(first) = rest.first()
            && first == "super"
        {
            base.pop()?;
            rest = &rest[1..];
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn note(&mut self, parts: &[String]) {
        if let Some(path) = self.absolute(parts) {
            self.paths.insert(path);
        }
    }

    fn note_use(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.note_use(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_use(tree, before);
                }
            }
            UseTree::Glob(_) => {
                self.note(before);
                self.globs.extend(self.absolute(before));
            }
            UseTree::Name(name) => {
                self.note_name(name.ident.to_string(), with(name.ident.to_string()))
            }
            UseTree::Rename(name) => {
                self.note_name(name.rename.to_string(), with(name.ident.to_string()))
            }
        }
    }

    fn note_name(&mut self, name: String, mut parts: Vec<String>) {
        let is_self = parts.len() > 1 && parts.last().is_some_and(|last| last == "self");
        if is_self {
            parts.pop();
        }
        if let Some(path) = self.absolute(&parts) {
            let name = if is_self && name == "self" {
                path.last().cloned().unwrap_or(name)
            } else {
                name
            };
            self.uses.insert(name, path.clone());
            self.paths.insert(path);
        }
    }

    /// Paths in the arguments of macros, which are not parsed: `crate::a::b`, `super::c`.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut parts: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !parts.is_empty() => {
                    colons += 1
                }
                TokenTree::Ident(ident) if parts.is_empty() || colons == 2 => {
                    parts.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.note(&std::mem::take(&mut parts));
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.note_tokens(group.stream()),
                        TokenTree::Ident(ident) => parts.push(ident.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.note(&parts);
    }

    fn add_function(&mut self, signature: &syn::Signature, end: proc_macro2::Span) {
        let first = signature.span().start().line;
        self.functions.push(Function {
            name: signature.ident.to_string(),
            lines: end.end().line + 1 - first,
            parameters: (signature.inputs.iter())
                .filter(|input| matches!(input, syn::FnArg::Typed(_)))
                .count(),
        });
    }

    fn add_type(&mut self, name: &syn::Ident) {
        if self.depth == 0 {
            self.types.insert(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Const(one) => &one.attrs,
            Item::Enum(one) => &one.attrs,
            Item::Fn(one) => &one.attrs,
            Item::Impl(one) => &one.attrs,
            Item::Macro(one) => &one.attrs,
            Item::Mod(one) => &one.attrs,
            Item::Static(one) => &one.attrs,
            Item::Struct(one) => &one.attrs,
            Item::Trait(one) => &one.attrs,
            Item::Type(one) => &one.attrs,
            Item::Use(one) => &one.attrs,
            _ => &[],
        };
        if is_test_only(attributes) {
            return;
        }
        match item {
            Item::Enum(one) => self.add_type(&one.ident),
            Item::Struct(one) => self.add_type(&one.ident),
            Item::Trait(one) => self.add_type(&one.ident),
            Item::Type(one) => self.add_type(&one.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.note_use(&item.tree, &[]);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add_function(&item.sig, item.block.span());
        self.depth += 1;
        visit::visit_item_fn(self, item);
        self.depth -= 1;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_test_only(&item.attrs) {
            return;
        }
        self.add_function(&item.sig, item.block.span());
        self.depth += 1;
        visit::visit_impl_item_fn(self, item);
        self.depth -= 1;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.add_function(&item.sig, item.span());
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = (path.segments.iter())
            .map(|one| one.ident.to_string())
            .collect();
        if parts.len() > 1 {
            self.note(&parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, one: &'ast syn::Macro) {
        self.note_tokens(one.tokens.clone());
        visit::visit_macro(self, one);
    }
}
