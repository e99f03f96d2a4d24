"""Start of the bundle: `python BUNDLE supervise SETUP`.

`sandbox.bundle` puts this file at the top of the bundle. `supervise` starts `zygote` itself.
"""

import sys

if __name__ == "__main__":
    if sys.argv[1] == "zygote":
        from sandbox.image.zygote import main as zygote

        zygote(3)
    else:
        from sandbox.image.supervise import main as supervise

        supervise(sys.argv[2])
