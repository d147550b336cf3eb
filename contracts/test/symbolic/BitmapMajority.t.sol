// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {BitmapMajority} from "../../src/libraries/BitmapMajority.sol";

/// @notice For all votes there are, not for some. Run by halmos.
contract BitmapMajoritySymbolic {
    /// @dev Whatever the position, the adders agree with a count of its seven votes.
    function check_EveryPositionIsCounted(uint256[7] memory votes, uint8 position) external pure {
        uint256 count = 0;
        for (uint256 i = 0; i < 7; ++i) {
            count += (votes[i] >> position) & 1;
        }
        bool isMajority = (BitmapMajority.majority(votes) >> position) & 1 == 1;
        assert(isMajority == (count >= 4));
    }

    /// @dev One more vote never takes a majority away.
    function check_AVoteNeverTakesAMajorityAway(uint256[7] memory votes, uint256 more, uint8 voter) external pure {
        uint256 before = BitmapMajority.majority(votes);
        for (uint256 i = 0; i < 7; ++i) {
            if (i == voter) votes[i] |= more;
        }
        assert(before & ~BitmapMajority.majority(votes) == 0);
    }
}
