// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "../UptimeBase.t.sol";

/// @notice Attack: report on uptime without a seat in the committee.
contract NonMemberReportTest is UptimeBase {
    function test_AnOutsidersSignatureIsRefused() public {
        _endPeriodOf(12);
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        address outsider = operators[_outsider()];
        reports[4].signature =
            _sign(signingKeyOf[outsider].key, _reportDigest(PERIOD, observed, up, reports[4].evidenceRoot));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUptimeLedger.UptimeLedger_InvalidReporter.selector, uint8(4), signingKeyOf[outsider].addr
            )
        );
        _post(reports);
    }

    /// @dev A committee of its own making does not help either: it is not the one that was drawn.
    function test_ACommitteeOfThePostersChoiceIsRefused() public {
        _endPeriodOf(12);
        uint32[] memory drawn = members;
        members[0] = _outsider();
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongCommittee.selector, PERIOD));
        _post(reports);
        members = drawn;
        _post(_reports(PERIOD, drawn, observed, up));
    }

    function test_AReportOfAnotherChainIsRefused() public {
        _endPeriodOf(12);
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        vm.chainId(4242);
        vm.expectPartialRevert(IUptimeLedger.UptimeLedger_InvalidReporter.selector);
        _post(reports);
    }

    /// @dev The first operator without a seat.
    function _outsider() private view returns (uint32 index) {
        while (_isMember(index)) {
            ++index;
        }
    }

    function _isMember(uint32 index) private view returns (bool) {
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] == index) return true;
        }
        return false;
    }
}
