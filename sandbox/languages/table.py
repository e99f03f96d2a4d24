"""Every language beside Python, by its name."""

from sandbox.languages.cpp import CPP
from sandbox.languages.go import GO
from sandbox.languages.java import JAVA
from sandbox.languages.javascript import JAVASCRIPT
from sandbox.languages.language import Language
from sandbox.languages.rust import RUST

BY_NAME: dict[str, Language] = {language.name: language for language in (JAVASCRIPT, CPP, JAVA, GO, RUST)}
