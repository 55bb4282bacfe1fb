"""A template as one deployment sees it: parameters set, conditions decided, functions worked out.

What only a deployment knows (the ids and ARNs of resources) stays as it is: {"Ref": …}, {"Fn::GetAtt": […]}, and
inside texts as {Name.Attribute}.
"""

import re

PSEUDO = {
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "hashcart",
}
VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class Gone:
    """What AWS::NoValue leaves behind."""


class View:
    """The resources and outputs that a template has under the given parameters."""

    def __init__(self, template, parameters):
        declared = template.get("Parameters", {})
        self.parameters = {name: str(p["Default"]) for name, p in declared.items() if "Default" in p} | parameters
        self._conditions = template.get("Conditions", {})
        self.types = {name: resource["Type"] for name, resource in template["Resources"].items()}
        self.resources = self._present(template["Resources"])
        self.outputs = self._present(template.get("Outputs", {}))

    def of_type(self, kind):
        """The properties of all resources of a type, by name."""
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    def _present(self, section):
        return {
            name: self._worked_out(value)
            for name, value in section.items()
            if "Condition" not in value or self._holds(value["Condition"])
        }

    def _holds(self, name):
        return self._is_true(self._conditions[name])

    def _is_true(self, condition):
        (function, value), = condition.items()
        match function:
            case "Condition":
                return self._holds(value)
            case "Fn::Equals":
                left, right = (self._worked_out(side) for side in value)
                return str(left) == str(right)
            case "Fn::Not":
                return not self._is_true(value[0])
            case "Fn::And":
                return all(self._is_true(part) for part in value)
            case "Fn::Or":
                return any(self._is_true(part) for part in value)
        raise ValueError(f"a condition with {function}")

    def _worked_out(self, value):
        if isinstance(value, list):
            return [part for part in map(self._worked_out, value) if part is not Gone]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            handler = getattr(self, "_" + function.replace("::", "_").lower(), None)
            if handler and (function == "Ref" or function.startswith("Fn::")):
                return handler(argument)
        worked_out = {key: self._worked_out(part) for key, part in value.items()}
        return {key: part for key, part in worked_out.items() if part is not Gone}

    def _ref(self, name):
        if name == "AWS::NoValue":
            return Gone
        return PSEUDO.get(name, self.parameters.get(name, {"Ref": name}))

    def _fn_getatt(self, argument):
        return {"Fn::GetAtt": argument.split(".", 1) if isinstance(argument, str) else argument}

    def _fn_if(self, argument):
        condition, yes, no = argument
        return self._worked_out(yes if self._holds(condition) else no)

    def _fn_sub(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})
        own = {name: self._worked_out(value) for name, value in own.items()}

        def value_of(match):
            is_literal, name = match.groups()
            if is_literal:
                return "${" + name + "}"
            value = own.get(name, PSEUDO.get(name, self.parameters.get(name)))
            return value if isinstance(value, str) else "{" + name + "}"

        return VARIABLE.sub(value_of, text)

    def _fn_split(self, argument):
        separator, text = argument[0], self._worked_out(argument[1])
        return text.split(separator) if isinstance(text, str) else {"Fn::Split": argument}

    def _fn_select(self, argument):
        index, choices = argument[0], self._worked_out(argument[1])
        return choices[int(index)] if isinstance(choices, list) else {"Fn::Select": argument}


def referred(value):
    """The name of the resource that a Ref or GetAtt means."""
    if not isinstance(value, dict):
        return None
    return value.get("Ref") or (value.get("Fn::GetAtt") or [None])[0]
