//! The value of `by_hand`.

use osmops::yaml::Node;

use crate::step::Deed;

use super::Decoder;

impl Decoder {
    pub(super) fn deed(&mut self, node: &Node) -> Option<Deed> {
        let mut fields = self.fields(node, "by_hand")?;
        let mut texts = Vec::new();
        for key in ["create", "upgrade", "remove", "edit", "delete"] {
            if let Some((text, _)) = fields.optional_text(key) {
                texts.push((key, text.to_owned()));
            }
        }
        let deed = match texts.as_slice() {
            [("create", name)] => {
                let nsd = fields.required_text("nsd").map(|(text, _)| text.to_owned());
                let at = fields.required_text("at").map(|(text, _)| text.to_owned());
                let owner = fields.optional_text("owner").map(|(text, _)| text.to_owned());
                let (name, nsd_and_at) = (name.clone(), nsd.zip(at));
                nsd_and_at.map(|(nsd, vim_account)| Deed::Create { name, nsd, vim_account, owner })
            }
            [("upgrade", name)] => {
                let kdus = fields.required("kdus").map(|node| self.kdus(node));
                kdus.map(|kdus| Deed::Upgrade { name: name.clone(), kdus })
            }
            [("remove", name)] => Some(Deed::Remove { name: name.clone() }),
            [("edit", package)] => {
                let to = fields.required("to").and_then(|node| self.typed(node, "by_hand.to"));
                to.map(|to| Deed::Edit { package: package.clone(), to })
            }
            [("delete", package)] => Some(Deed::Delete { package: package.clone() }),
            _ => {
                self.note(
                    node,
                    "one of `create`, `upgrade`, `remove`, `edit` and `delete` belongs here",
                );
                None
            }
        };
        self.take(fields.finish());
        deed
    }
}
