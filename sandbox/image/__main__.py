"""Start of the bundle: `python BUNDLE supervise SETUP`.

`sandbox.bundle` puts this file at the top of the bundle. The zygote is a fork of what starts here.
"""

import sys

if __name__ == "__main__":
    from sandbox.image import unhooked  # noqa: F401 - before anything that imports random
    from sandbox.image.supervise import main

    main(sys.argv[2])
